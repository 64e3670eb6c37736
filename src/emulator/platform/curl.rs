//! A request as a command for a shell.

use http::Method;

use super::envelope::Envelope;

impl Envelope {
    /// The command that sends it, tokens and all: only for whoever asked for it.
    pub(in crate::emulator) fn curl(&self) -> String {
        let mut command = format!("curl {}", quoted(self.url.as_str()));
        if self.method != Method::GET {
            command.push_str(" \\\n  --request ");
            command.push_str(self.method.as_str());
        }
        for (name, value) in self.headers_in_full() {
            command.push_str(" \\\n  --header ");
            command.push_str(&quoted(&format!("{name}: {value}")));
        }
        if let Some(body) = &self.body {
            command.push_str(" \\\n  --data-raw ");
            command.push_str(&quoted(body));
        }
        command
    }
}

/// One word for the shell, whatever stands in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_in_a_word_means_anything_to_the_shell() {
        for text in ["a b", "it's", "$(reboot) `x` \"y\" \\ ; & |", "", "\n'"] {
            let printed = std::process::Command::new("sh")
                .arg("-c")
                .arg(format!("printf %s {}", quoted(text)))
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(printed.stdout).unwrap(), text);
        }
    }
}
