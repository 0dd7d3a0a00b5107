-- Due callbacks are claimed in the order of `due_at`; what is finished is deleted in the order of `finished_at`.
CREATE INDEX callbacks_by_due ON callbacks (state, due_at);
CREATE INDEX callbacks_by_finish ON callbacks (state, finished_at) WHERE finished_at IS NOT NULL;
DROP INDEX callbacks_due;
