//! Traces, logs and levels of a remote that runs, as a collector and an operator see them.

mod collectors;
mod logs;
mod reload;
mod traces;
