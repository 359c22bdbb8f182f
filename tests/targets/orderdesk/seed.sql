-- Invented data: products to order, and customers with orders so that tables are not empty. Nobody knows these passwords.

insert into products (sku, name, price_cents)
select 'SKU-' || lpad(n::text, 4, '0'), (array['Ladder', 'Gutter', 'Shingle', 'Window', 'Door'])[1 + n % 5] || ' ' || n, 500 + 37 * n
from generate_series(1, 40) as n;

insert into users (email, password_hash, role, company)
select 'buyer' || n || '@orders.example.test', 'unusable', 'customer', 'Company ' || n
from generate_series(1, 40) as n;

insert into orders (customer_id, reference, note, total_cents)
select u.id, 'PO-' || u.id || '-' || n, 'Delivery on weekday ' || n % 5, 1000 * n
from users u, generate_series(1, 50) as n;

insert into order_lines (order_id, product_id, quantity)
select o.id, 1 + (o.id * 7 + k * 11) % 40, 1 + k
from orders o, generate_series(1, 3) as k
on conflict do nothing;
