-- Why a page refused: JSON. It is told once the browser that began comes back.
ALTER TABLE authorizations ADD COLUMN reason TEXT;
-- What the login page says of the user, sealed.
ALTER TABLE authorizations ADD COLUMN claims TEXT;
ALTER TABLE device_codes ADD COLUMN claims TEXT;
ALTER TABLE login_sessions ADD COLUMN claims TEXT;
ALTER TABLE grants ADD COLUMN claims TEXT;
