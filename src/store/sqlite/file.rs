//! The database file, for its owner's eyes only.

use std::{
    ffi::OsString,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

use tokio::fs;

use crate::store::StoreError;

/// The file as it was when it was opened.
///
/// SQLite does not notice that somebody deletes or replaces it: it goes on with a file that has
/// no name any more, and that is gone with the process.
#[derive(Debug)]
pub(super) struct Opened {
    path: PathBuf,
    identity: Identity,
}

/// Device and inode, where there are such.
type Identity = (u64, u64);

/// It is no longer there.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{}` was deleted or replaced while it was in use: restart the remote to use what is there now",
    .0.display()
)]
struct Gone(PathBuf);

impl Opened {
    pub(super) async fn at(path: &Path) -> io::Result<Self> {
        Ok(Self {
            path: path.to_owned(),
            identity: identity(&fs::metadata(path).await?),
        })
    }

    /// Whether what is written reaches the file at its path.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if there is none, or another.
    pub(super) async fn is_there(&self) -> Result<(), StoreError> {
        let is_it = match fs::metadata(&self.path).await {
            Ok(metadata) => identity(&metadata) == self.identity,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(StoreError::unavailable(error)),
        };
        if is_it {
            Ok(())
        } else {
            Err(StoreError::unavailable(Gone(self.path.clone())))
        }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;

    (metadata.dev(), metadata.ino())
}

/// Where a file that is open cannot be deleted, it stays the one it was.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> Identity {
    (0, 0)
}

/// Creates the file and its folder where they are missing, and shuts out everybody else.
///
/// SQLite gives `-wal` and `-shm` the mode of the file, so it has to be right before
/// SQLite opens it.
pub(super) async fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
    {
        private_folder().create(folder).await?;
    }
    match private_file().open(path).await {
        Ok(_) => return Ok(()),
        // Not opened: closing it would drop the locks that another store of this process holds.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    for suffix in ["", "-wal", "-shm"] {
        let mut name = OsString::from(path);
        name.push(suffix);
        tighten(Path::new(&name)).await?;
    }
    Ok(())
}

fn private_folder() -> fs::DirBuilder {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    folder.mode(0o700);
    folder
}

fn private_file() -> fs::OpenOptions {
    let mut file = fs::OpenOptions::new();
    file.write(true).create_new(true);
    #[cfg(unix)]
    file.mode(0o600);
    file
}

/// Takes away what others may do with the file, if it is there.
#[cfg(unix)]
async fn tighten(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    let mode = match fs::metadata(path).await {
        Ok(metadata) => metadata.permissions().mode() & 0o7777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if mode == 0o600 {
        return Ok(());
    }
    let private = std::fs::Permissions::from_mode(0o600);
    match fs::set_permissions(path, private).await {
        Ok(()) => {
            tracing::info!(store.place = %path.display(), "mode of the store's file set to 0600");
        }
        // Somebody else's file, on a volume that we may still write to. Tokens are sealed.
        Err(error) => tracing::warn!(
            store.place = %path.display(),
            cause = %error,
            "the store's file may be read by others and its mode cannot be changed"
        ),
    }
    Ok(())
}

#[cfg(not(unix))]
async fn tighten(_: &Path) -> io::Result<()> {
    Ok(())
}
