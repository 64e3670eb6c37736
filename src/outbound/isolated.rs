//! Addresses of Isolated Clouds: templates of the settings with a place for the cloud's label.

use std::sync::Arc;

use url::{Host, Url};

use super::{ApiHosts, ApiUrl, HostNotAllowed};
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
    hosts: ApiHosts,
}

impl StorageUrls {
    /// `atlassian.storage_url` and `atlassian.isolated_cloud_storage_url`.
    pub(crate) fn new(commercial: ApiUrl, isolated: Option<&str>, hosts: ApiHosts) -> Self {
        Self {
            commercial,
            isolated: isolated.map(Into::into),
            hosts,
        }
    }

    /// The address for an installation, and why nothing may be sent there at all: another cloud
    /// does not get the token of this one instead.
    pub(crate) fn of(&self, label: Option<&IcLabel>) -> (ApiUrl, Option<HostNotAllowed>) {
        let Some((template, label)) = self.isolated.as_deref().zip(label) else {
            return (self.commercial.clone(), None);
        };
        let url = with_label(template, label).ok_or_else(|| HostNotAllowed {
            host: label.to_string(),
        });
        match url.and_then(|url| self.hosts.check(url)) {
            Ok(url) => (url, None),
            Err(why) => (self.commercial.clone(), Some(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMERCIAL: &str = "https://api.atlassian.com/forge/storage/kvs";

    /// Where the token of that cloud goes, if it goes anywhere.
    fn of(isolated: Option<&str>, label: Option<&str>) -> Option<String> {
        let hosts = ["api.atlassian.com", "storage.orange.example.net"];
        let hosts = ApiHosts::new(hosts, false);
        let commercial = hosts.check(COMMERCIAL.parse().unwrap()).unwrap();
        let urls = StorageUrls::new(commercial, isolated, hosts);
        let label = label.map(|label| label.parse().unwrap());
        let (url, barred) = urls.of(label.as_ref());
        barred.is_none().then(|| url.url().to_string())
    }

    #[test]
    fn each_cloud_has_a_storage_of_its_own() {
        let template = Some("https://storage.{IC_LABEL}.example.net/kvs");
        let orange = "https://storage.orange.example.net/kvs";
        assert_eq!(of(template, Some("orange")).as_deref(), Some(orange));
        assert_eq!(of(template, None).as_deref(), Some(COMMERCIAL));
        assert_eq!(of(None, Some("orange")).as_deref(), Some(COMMERCIAL));
    }

    #[test]
    fn a_token_goes_nowhere_rather_than_to_a_host_that_is_not_listed() {
        let template = Some("https://storage.{IC_LABEL}.example.net/kvs");
        assert_eq!(of(template, Some("blue")), None);
        let whole_host = Some("https://{IC_LABEL}/kvs");
        for label in ["orange", "2130706433", "xn--a"] {
            assert_eq!(of(whole_host, Some(label)), None, "{label}");
        }
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
