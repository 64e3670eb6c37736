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

/// Creates the folder of a file, if it is missing.
pub(super) async fn make_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => private_folder().create(folder).await,
        _ => Ok(()),
    }
}

/// Creates the file and its folder where they are missing, and shuts out everybody else.
///
/// SQLite gives `-wal` and `-shm` the mode of the file, so it has to be right before
/// SQLite opens it.
pub(super) async fn prepare(path: &Path) -> io::Result<()> {
    make_folder_of(path).await?;
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

/// A file beside the one of that name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

/// Whether both paths lead to the same file.
pub(super) async fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one).await, fs::canonicalize(other).await) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Whether a file may be written over: under another name, it is complete. That of whoever had
/// it before may be so: it was given its name after it was opened here, or its writer was
/// killed before this name was gone. Then the name is free afterwards.
#[cfg(unix)]
fn is_only_name(file: &std::fs::File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;

    let (open, named) = match std::fs::symlink_metadata(path) {
        Ok(named) => (file.metadata()?, named),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let is_it = identity(&open) == identity(&named);
    if is_it && open.nlink() == 1 {
        return Ok(true);
    }
    if is_it || named.is_symlink() {
        std::fs::remove_file(path)?;
    }
    Ok(false)
}

#[cfg(not(unix))]
fn is_only_name(_: &std::fs::File, _: &Path) -> io::Result<bool> {
    Ok(true)
}

/// How often a partial file is begun anew because it turned out to be a complete one.
const ATTEMPTS: u32 = 3;

/// A file that is being written, and takes its name when it is complete. Nobody else writes it
/// meanwhile; what an earlier process left of it is written over.
#[derive(Debug)]
pub(super) struct Partial {
    path: PathBuf,
    // As long as it is open, it is locked.
    file: std::fs::File,
}

impl Partial {
    /// None if another process is writing it.
    pub(super) fn begin(path: PathBuf) -> io::Result<Option<Self>> {
        let mut options = std::fs::OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        for _ in 0..ATTEMPTS {
            let file = options.open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
                Err(std::fs::TryLockError::Error(error)) => return Err(error),
            }
            if !is_only_name(&file, &path)? {
                continue;
            }
            file.set_len(0)?;
            #[cfg(unix)]
            file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            for suffix in ["-wal", "-shm", "-journal"] {
                let _ = std::fs::remove_file(beside(&path, suffix));
            }
            return Ok(Some(Self { path, file }));
        }
        Ok(None)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// How long it is by now.
    pub(super) fn length(&self) -> u64 {
        self.file.metadata().map_or(0, |metadata| metadata.len())
    }

    /// Fills it with what another file has, down to the disk.
    pub(super) async fn copy_from(&self, from: &Path) -> io::Result<()> {
        let (mut from, mut to) = (std::fs::File::open(from)?, self.file.try_clone()?);
        blocking(move || {
            io::copy(&mut from, &mut to)?;
            to.sync_all()
        })
        .await
    }

    /// Everything is on the disk after it.
    pub(super) async fn sync(&self) -> io::Result<()> {
        let file = self.file.try_clone()?;
        blocking(move || file.sync_all()).await
    }

    /// Gives it its name, unless there is a file of that name.
    pub(super) async fn become_new(&self, name: &Path) -> io::Result<()> {
        match fs::hard_link(&self.path, name).await {
            Ok(()) => fs::remove_file(&self.path).await?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
            // Not every file system has links.
            Err(_) if !fs::try_exists(name).await? => fs::rename(&self.path, name).await?,
            Err(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        }
        sync_folder_of(name).await
    }

    /// Gives it its name. The file that has it gets another one first: at any moment there is
    /// one of that name.
    pub(super) async fn replace(&self, name: &Path, aside: Option<&Path>) -> io::Result<()> {
        if let Some(aside) = aside
            && fs::hard_link(name, aside).await.is_err()
        {
            fs::rename(name, aside).await?;
        }
        fs::rename(&self.path, name).await?;
        sync_folder_of(name).await
    }

    /// Removes what there is of it.
    pub(super) fn give_up(&self) {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            let _ = std::fs::remove_file(beside(&self.path, suffix));
        }
    }
}

/// A new name is on the disk once its folder is.
async fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new(".")).to_owned();
    if cfg!(unix) {
        blocking(move || std::fs::File::open(folder)?.sync_all()).await?;
    }
    Ok(())
}

async fn blocking(work: impl FnOnce() -> io::Result<()> + Send + 'static) -> io::Result<()> {
    tokio::task::spawn_blocking(work).await?
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
