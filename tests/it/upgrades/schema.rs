//! A database that a newer release has changed.

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use super::{OLD, command};
use crate::{
    command::text,
    support::{place::Place, remote::Serve, site::Site, traffic::Traffic},
};

async fn run(place: &Place, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    match place {
        Place::Sqlite(_) => {
            let mut connection = SqliteConnection::connect(&place.url()).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
        Place::Postgres(_) => {
            let mut connection = PgConnection::connect(&place.url()).await.unwrap();
            sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
            connection.close().await.unwrap();
        }
    }
}

/// What a newer release does: it adds.
const LATER: &str = "\
    ALTER TABLE installations ADD COLUMN novelty text; \
    CREATE TABLE novelties (id bigint); \
    INSERT INTO _sqlx_migrations \
        (version, description, installed_on, success, checksum, execution_time) \
        SELECT 9999, 'later', installed_on, success, checksum, execution_time \
        FROM _sqlx_migrations WHERE version = 1";

async fn it_works_until_the_floor_says_otherwise(place: Place) {
    let site = Site::start(std::time::Duration::ZERO).await;
    let serve = Serve::new(&place, &site);
    let mut running = serve.start().await;
    run(&place, LATER).await;
    let traffic = Traffic::start(&[&running], 2);
    traffic.goes_on(20).await;
    running = super::restart(&traffic, running, &serve).await;
    traffic.goes_on(20).await;
    let sent = traffic.stop().await;
    assert_eq!(sent.failures, [""; 0]);
    site.until("every event is handled", |seen| seen.has_all(&sent.pages))
        .await;
    drop(running);

    run(&place, "UPDATE forge_schema SET floor = 9999").await;
    for arguments in [&["serve"][..], &["keys", "status"], &["inbox", "list"]] {
        let output = command(&place, arguments, OLD, "");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        let sentence = "changed by a newer release so that this one cannot work with";
        assert!(told.contains(sentence), "{told}");
        assert!(told.contains("migration 9999"), "{told}");
    }
}

#[tokio::test]
async fn it_works_until_the_floor_says_otherwise_in_sqlite() {
    it_works_until_the_floor_says_otherwise(Place::sqlite()).await;
}

#[tokio::test]
async fn it_works_until_the_floor_says_otherwise_in_postgresql() {
    it_works_until_the_floor_says_otherwise(Place::postgres().await).await;
}
