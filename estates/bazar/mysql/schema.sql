CREATE TABLE IF NOT EXISTS users (
  id INT AUTO_INCREMENT PRIMARY KEY, email VARCHAR(120) NOT NULL UNIQUE, created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS sessions (
  token CHAR(32) PRIMARY KEY, user_id INT NOT NULL, seen_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE TABLE IF NOT EXISTS categories (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(60) NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS articles (
  id INT AUTO_INCREMENT PRIMARY KEY, category_id INT NOT NULL, title VARCHAR(120) NOT NULL, cents INT NOT NULL, stock INT NOT NULL DEFAULT 100000
);
CREATE TABLE IF NOT EXISTS orders (
  id INT AUTO_INCREMENT PRIMARY KEY, user_id INT NOT NULL, article_id INT NOT NULL, wanted_by CHAR(32) NOT NULL UNIQUE, cents INT NOT NULL,
  status VARCHAR(12) NOT NULL DEFAULT 'new', payment_id VARCHAR(40), created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
  KEY by_status (status, created_at)
);
INSERT IGNORE INTO categories (name) VALUES ('Carpets'), ('Spices'), ('Lamps'), ('Jewellery');
INSERT INTO articles (category_id, title, cents)
  SELECT 1 + seq % 4, CONCAT(ELT(1 + seq % 5, 'Red', 'Blue', 'Old', 'Small', 'Fine'), ' ', ELT(1 + seq % 4, 'carpet', 'saffron', 'lamp', 'ring'), ' ', seq), 500 + 37 * seq
  FROM seq_1_to_200 WHERE NOT EXISTS (SELECT 1 FROM articles);
