//! The secret that tokens are signed with: made once for a data folder, and never a default.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::token;
use super::wire::Secret;

/// The secret of a data folder, made if there is none yet: the file `secret`, readable by its owner only.
///
/// # Errors
/// Names the file, and what to do.
pub fn secret(data: &Path) -> Result<Secret, String> {
    let path = data.join("secret");
    let said = |what: &str, why: io::Error| format!("cannot {what} {}: {why}", path.display());
    let made = DirBuilder::new().recursive(true).mode(0o700).create(data);
    made.map_err(|why| format!("cannot make the data folder {}: {why}", data.display()))?;
    if !path.exists() {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|why| format!("the system gives no random bytes: {why}"))?;
        make(&path, &URL_SAFE_NO_PAD.encode(bytes)).map_err(|why| said("make", why))?;
    }
    let text = fs::read_to_string(&path).map_err(|why| said("read", why))?;
    let text = text.trim();
    match token::weak(text) {
        None => Ok(Secret::from(text)),
        Some(why) => Err(format!(
            "the secret in {} {why}; put at least 16 random bytes there, or remove the file to have one made",
            path.display()
        )),
    }
}

/// Makes the file whole or not at all: after a kill halfway, an empty one would keep every later start from going on.
fn make(path: &Path, text: &str) -> io::Result<()> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let unique = format!("{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
    let new = path.with_extension(unique);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&new, path);
    fs::remove_file(&new)?;
    match linked {
        // Whoever comes second takes the secret of the first.
        Err(why) if why.kind() != io::ErrorKind::AlreadyExists => Err(why),
        _ => path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::thread;

    use super::*;

    #[test]
    fn all_who_start_at_once_have_the_same_secret() {
        let place = tempfile::tempdir().unwrap();
        let data = place.path().join("data");
        let starts: Vec<_> = (0..8)
            .map(|_| {
                let data = data.clone();
                thread::spawn(move || secret(&data).unwrap())
            })
            .collect();
        let secrets: Vec<Secret> = starts.into_iter().map(|start| start.join().unwrap()).collect();
        assert!(secrets.iter().all(|one| *one == secrets[0]));
        let files: Vec<_> = fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, ["secret"]);
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&data), mode(&data.join("secret"))), (0o700, 0o600));
    }
}
