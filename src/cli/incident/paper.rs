//! The file for the page: opened before the first act, so that no minute of storm is for nothing.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::Wrong;

/// A file that can be written. What was in it stays until then, and one that was not there is removed if nothing is written.
pub(super) struct Paper {
    file: File,
    path: PathBuf,
    /// It was made here, and is empty.
    fresh: bool,
}

impl Paper {
    /// Opens it for writing.
    pub(super) fn at(path: &Path) -> Result<Paper, Wrong> {
        let opened = match File::options().write(true).create_new(true).open(path) {
            Err(why) if why.kind() == ErrorKind::AlreadyExists => {
                File::options().write(true).open(path).map(|file| (file, false))
            }
            made => made.map(|file| (file, true)),
        };
        let (file, fresh) = opened.map_err(|why| cannot(path, &why))?;
        Ok(Paper { file, path: path.to_owned(), fresh })
    }

    /// Writes the page, in the place of what was there.
    pub(super) fn write(mut self, page: &str) -> Result<(), Wrong> {
        self.fresh = false;
        let replace = |file: &mut File| {
            // A pipe or a device has no length.
            if file.metadata()?.is_file() {
                file.set_len(0)?;
            }
            file.write_all(page.as_bytes())
        };
        replace(&mut self.file).map_err(|why| cannot(&self.path, &why))
    }
}

impl Drop for Paper {
    fn drop(&mut self) {
        if self.fresh {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn cannot(path: &Path, why: &std::io::Error) -> Wrong {
    Wrong(format!("cannot write {}: {why}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_stays_until_the_page_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (new, old) = (folder.path().join("new.html"), folder.path().join("old.html"));
        fs::write(&old, "an older and longer page").unwrap();
        let paper = |path: &Path| Paper::at(path).unwrap_or_else(|Wrong(why)| panic!("{why}"));
        drop((paper(&new), paper(&old)));
        assert!(!new.exists(), "a file without a page is not left");
        assert_eq!(fs::read_to_string(&old).unwrap(), "an older and longer page");
        for path in [new, old] {
            assert!(paper(&path).write("a page").is_ok());
            assert_eq!(fs::read_to_string(path).unwrap(), "a page");
        }
        let Err(Wrong(why)) = Paper::at(folder.path()) else { panic!("a folder is no file") };
        assert!(why.starts_with("cannot write "), "{why}");
    }
}
