mod connections;
mod hosts;
mod tls;
