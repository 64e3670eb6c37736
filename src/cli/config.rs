//! `forge-remote config`

use forge_remote::{Config, config::Sources};

#[expect(clippy::print_stdout, reason = "the command's output")]
pub(super) fn run() -> anyhow::Result<()> {
    let loaded = Config::load_from(&Sources::process())?;
    println!("# environment: {}", loaded.config.environment);
    let width = |text: fn(&forge_remote::config::Setting) -> usize| {
        loaded.settings.iter().map(text).max().unwrap_or(0)
    };
    let key = width(|setting| setting.key.len());
    let value = width(|setting| setting.value.len()).min(60);
    for setting in &loaded.settings {
        println!(
            "{:key$} = {:value$}  # {}",
            setting.key, setting.value, setting.origin
        );
    }
    Ok(())
}
