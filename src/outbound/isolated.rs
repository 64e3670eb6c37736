//! Addresses of Isolated Clouds: templates of the settings with a place for the cloud's label.

use std::sync::Arc;

use url::{Host, Url};

use super::ApiUrl;
use crate::ids::IcLabel;

/// Where a template has the label.
pub(crate) const PLACE: &str = "{IC_LABEL}";

/// The template's URL for a cloud; none if that is no URL.
///
/// The label stays a part of the template's host or path: at the end of a host, one of digits
/// would make an IP address of it.
pub(crate) fn with_label(template: &str, label: &IcLabel) -> Option<Url> {
    let url = Url::parse(&template.replace(PLACE, label.as_str())).ok()?;
    match url.host()? {
        Host::Domain(_) => Some(url),
        ip => template.contains(&ip.to_string()).then_some(url),
    }
}

/// Where Forge storage is, by the cloud that an installation is in.
#[derive(Debug, Clone)]
pub(crate) struct StorageUrls {
    commercial: ApiUrl,
    isolated: Option<Arc<str>>,
}

impl StorageUrls {
    /// `atlassian.storage_url` and `atlassian.isolated_cloud_storage_url`.
    pub(crate) fn new(commercial: ApiUrl, isolated: Option<&str>) -> Self {
        Self {
            commercial,
            isolated: isolated.map(Into::into),
        }
    }

    /// The address for an installation. Its label is one that a signature holds for: the hosts
    /// of the template are as good as those on the list, for the settings name both.
    pub(crate) fn of(&self, label: Option<&IcLabel>) -> ApiUrl {
        let template = self.isolated.as_deref().zip(label);
        let url = template.and_then(|(template, label)| with_label(template, label));
        url.map_or_else(|| self.commercial.clone(), ApiUrl)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::ApiHosts;

    fn urls(isolated: Option<&str>) -> StorageUrls {
        let hosts = ApiHosts::new(["api.atlassian.com"], false);
        let url = "https://api.atlassian.com/forge/storage/kvs".parse();
        StorageUrls::new(hosts.check(url.unwrap()).unwrap(), isolated)
    }

    fn of(urls: &StorageUrls, label: Option<&str>) -> String {
        let label = label.map(|label| label.parse().unwrap());
        urls.of(label.as_ref()).url().to_string()
    }

    #[test]
    fn each_cloud_has_a_storage_of_its_own() {
        let both = urls(Some("https://storage.{IC_LABEL}.example.net/kvs"));
        let orange = "https://storage.orange.example.net/kvs";
        assert_eq!(of(&both, Some("orange")), orange);
        assert_eq!(
            of(&both, None),
            "https://api.atlassian.com/forge/storage/kvs"
        );
        let one = urls(None);
        assert_eq!(of(&one, Some("orange")), of(&one, None));
    }

    #[test]
    fn a_label_makes_no_address_of_a_machine() {
        let template = "https://{IC_LABEL}/kvs";
        let label = |text: &str| text.parse().unwrap();
        assert_eq!(with_label(template, &label("2130706433")), None);
        assert_eq!(with_label(template, &label("0x7f000001")), None);
        let path = "http://127.0.0.1:9/{IC_LABEL}/kvs";
        let url = with_label(path, &label("7")).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:9/7/kvs");
    }
}
