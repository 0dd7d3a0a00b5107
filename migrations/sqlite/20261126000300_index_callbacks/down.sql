CREATE INDEX callbacks_due ON callbacks (due_at) WHERE state = 0;
DROP INDEX callbacks_by_finish;
DROP INDEX callbacks_by_due;
