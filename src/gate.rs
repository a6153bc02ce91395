//! What may enter, and in what form.
