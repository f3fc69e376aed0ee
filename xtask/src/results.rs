//! What the last runs said, kept in `.x/results`.
