DROP TABLE user_failures;
