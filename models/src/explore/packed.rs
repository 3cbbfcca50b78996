//! An export.
