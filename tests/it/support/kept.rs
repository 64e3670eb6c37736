//! What is on disk: the service's database, opened a second time.

use forge_remote::{
    Secret,
    clock::Clock,
    config::{self, Environment},
    store::{
        self, Database,
        jobs::{JobId, JobRecord, JobState, NewJob, Which},
    },
};
use serde_json::Value;

use super::{
    answer::Answer,
    app::TestApp,
    claims::INSTALLATION,
    place::{Place, STORE_KEY},
};

/// Every state that a job can be in.
const STATES: [JobState; 7] = [
    JobState::Ready,
    JobState::Blocked,
    JobState::Delayed,
    JobState::Parked,
    JobState::Running,
    JobState::Done,
    JobState::Dead,
];

/// The files behind a service, as another process sees them.
pub(crate) struct Kept(Database);

impl Kept {
    pub(crate) async fn by(app: &TestApp) -> Self {
        Self::open(&app.forge.config().store).await
    }

    /// Those behind a remote that is a process of its own.
    pub(crate) async fn at(place: &Place) -> Self {
        let settings = config::Store {
            url: place.url(),
            encryption_key: Some(Secret::new(STORE_KEY.to_owned())),
            additional_encryption_keys: Vec::new(),
        };
        Self::open(&settings).await
    }

    async fn open(settings: &config::Store) -> Self {
        let store = store::open(settings, &Environment::Test, Clock::system());
        Self(store.await.unwrap())
    }

    /// All jobs, the newest first.
    pub(crate) async fn jobs(&self) -> Vec<JobRecord> {
        let mut jobs: Vec<JobRecord> = Vec::new();
        for state in STATES {
            let which = Which {
                state: Some(state),
                ..Which::default()
            };
            for job in self.0.jobs.list(&which).await.unwrap() {
                // It may have gone on to the next state between two lists.
                if !jobs.iter().any(|listed| listed.id == job.id) {
                    jobs.push(job);
                }
            }
        }
        jobs
    }

    pub(crate) async fn job(&self, id: JobId) -> JobRecord {
        self.0
            .jobs
            .show(id)
            .await
            .unwrap()
            .expect("the job is kept")
    }

    /// Adds jobs, as another process does that has taken them in.
    pub(crate) async fn add(&self, jobs: &[NewJob]) {
        self.0.jobs.add(jobs).await.unwrap();
    }

    pub(crate) async fn payload(&self, id: JobId) -> Value {
        let payload = self.job(id).await.payload.expect("a payload");
        serde_json::from_str(&payload).unwrap()
    }

    /// Whether the installation of the tests is known.
    pub(crate) async fn knows_installation(&self) -> bool {
        self.knows(INSTALLATION).await
    }

    /// Whether this installation is known.
    pub(crate) async fn knows(&self, id: &str) -> bool {
        let id = id.parse().unwrap();
        self.0.installations.load(id).await.unwrap().is_some()
    }
}

/// The id in a 202, and whether it is a duplicate's.
#[track_caller]
pub(crate) fn acknowledged(answer: &Answer) -> (JobId, bool) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 202, "{text}");
    assert_eq!(answer.header("content-type"), "application/json");
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().len(), 2, "{text}");
    let id = body["id"].as_str().unwrap().parse().unwrap();
    (id, body["duplicate"].as_bool().unwrap())
}
