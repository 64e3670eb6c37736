//! What was acknowledged is done, whatever happens to the process, its disk or its queue.

mod full_disk;
mod killed;
mod order;
mod replicas;
mod stopped;
mod turns;
