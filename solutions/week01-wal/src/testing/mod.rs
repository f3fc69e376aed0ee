//! The vocabulary of every week's tests.

use std::path::Path;
use std::sync::Arc;

use crate::fs::Fs;
use crate::{Engine, Result};

/// How a test opens the store under test: on some file system, in some directory.
pub type OpenEngine = dyn Fn(Arc<dyn Fs>, &Path) -> Result<Box<dyn Engine>> + Sync;
