-- The shop's tables and its first phones. :password is the application's.
CREATE ROLE mobile LOGIN PASSWORD :'password';
GRANT pg_monitor TO mobile;
CREATE DATABASE mobile_matrix OWNER mobile;
\connect mobile_matrix
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION amcheck;
SET ROLE mobile;

CREATE TABLE phones (
    id serial PRIMARY KEY, brand text NOT NULL, name text NOT NULL, price_cents int NOT NULL,
    stock int NOT NULL CHECK (stock >= 0), spec text NOT NULL
);
CREATE TABLE users (id serial PRIMARY KEY, email text NOT NULL UNIQUE, seen_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE comparisons (id serial PRIMARY KEY, phones int[] NOT NULL, advice text NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE orders (
    id serial PRIMARY KEY, user_id int NOT NULL REFERENCES users, phone_id int NOT NULL, total_cents int NOT NULL,
    key text NOT NULL UNIQUE, status text NOT NULL DEFAULT 'placed', made_at timestamptz NOT NULL DEFAULT now(), confirmed_at timestamptz
);
CREATE TABLE payments (
    event text PRIMARY KEY, order_id int NOT NULL REFERENCES orders, amount_cents int NOT NULL, at timestamptz NOT NULL DEFAULT now()
);

INSERT INTO phones (brand, name, price_cents, stock, spec)
SELECT (ARRAY['Nokta', 'Sama', 'Pira', 'Fonia'])[1 + n % 4], 'Model ' || n, 19900 + n * 7 % 90000, 1000000,
       (SELECT string_agg(md5(random()::text || n || part), '') FROM generate_series(1, 40) AS part)
FROM generate_series(1, 3000) AS n;
ANALYZE;
