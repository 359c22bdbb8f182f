-- The order desk's tables. The service expects them to be there.

create table users (
  id bigint generated always as identity primary key,
  email text not null unique,
  password_hash text not null,
  role text not null check (role in ('customer', 'staff')),
  company text not null default '',
  phone text not null default '',
  email_confirmed boolean not null default false,
  created_at timestamptz not null default now()
);

create table sessions (
  token_hash text primary key,
  user_id bigint not null references users on delete cascade,
  expires_at timestamptz not null
);
create index sessions_user_id on sessions (user_id);

create table email_codes (
  user_id bigint primary key references users on delete cascade,
  code_hash text not null,
  attempts integer not null default 0,
  expires_at timestamptz not null
);

create table products (
  id bigint generated always as identity primary key,
  sku text not null unique,
  name text not null,
  price_cents bigint not null check (price_cents >= 0)
);

create table orders (
  id bigint generated always as identity primary key,
  customer_id bigint not null references users on delete cascade,
  reference text not null,
  note text not null default '',
  status text not null default 'draft' check (status in ('draft', 'confirmed', 'shipped')),
  total_cents bigint not null default 0,
  version integer not null default 1,
  created_at timestamptz not null default now()
);
create index orders_customer_id on orders (customer_id, id);

create table order_lines (
  order_id bigint not null references orders on delete cascade,
  product_id bigint not null references products,
  quantity integer not null check (quantity > 0),
  primary key (order_id, product_id)
);
create index order_lines_product_id on order_lines (product_id);
