//! The secret that tokens are signed with: made once for a data folder, and never a default.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

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
    fs::create_dir_all(data).map_err(|why| format!("cannot make the data folder {}: {why}", data.display()))?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    match made {
        Ok(mut file) => {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes).map_err(|why| format!("the system gives no random bytes: {why}"))?;
            let text = URL_SAFE_NO_PAD.encode(bytes);
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|why| said("write", why))?;
        }
        Err(why) if why.kind() == io::ErrorKind::AlreadyExists => {}
        Err(why) => return Err(said("make", why)),
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
