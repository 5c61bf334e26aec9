CREATE EXTENSION pg_stat_statements;
CREATE TABLE equipment (id serial PRIMARY KEY, name text NOT NULL, cents integer NOT NULL);
CREATE TABLE bookings (
  reference text PRIMARY KEY,
  equipment_id integer NOT NULL REFERENCES equipment,
  booked_by text NOT NULL,
  booked_at timestamptz NOT NULL DEFAULT now(),
  paid_at timestamptz
);
INSERT INTO equipment (name, cents)
  SELECT (ARRAY['Excavator', 'Crane', 'Generator', 'Scaffold', 'Pump'])[1 + n % 5] || ' ' || n, 1000 + n * 37 FROM generate_series(1, 200) n;
CREATE TABLE price_history AS
  SELECT n AS id, 1 + n % 200 AS equipment_id, md5(n::text) AS note FROM generate_series(1, 30000) n;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO watch;
