//! One change of flags at a time, so that two runs that end together do not both open the same flag, and the later
//! one is held against the earlier.

use std::collections::BTreeSet;

use crate::calibration::FlagScope;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// Keeps others from changing the flags of these projects until the transaction ends. All that a transaction needs
/// is locked at once, and before it looks at the runs that ended.
///
/// Where runs are held against those of their own project, projects do not wait for each other. Where they are held
/// against all runs, one finish of the installation is checked at a time: two that did not see each other would
/// leave each other out of means and counts. On SQLite there is one writer anyway.
pub(in crate::store::index) async fn lock<'p>(
    session: &mut Session,
    projects: impl IntoIterator<Item = &'p str> + Send,
    flag_scope: FlagScope,
) -> sqlx::Result<()> {
    if !session.is_postgres() {
        return Ok(());
    }
    if flag_scope == FlagScope::Installation {
        return session.run("select pg_advisory_xact_lock(hashtext('whytrace flags'))").await;
    }
    // Processes may be configured apart: who locks all flags waits for those who lock some.
    session.run("select pg_advisory_xact_lock_shared(hashtext('whytrace flags'))").await?;
    let projects: BTreeSet<&str> = projects.into_iter().collect();
    if projects.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new(
        "select count(pg_advisory_xact_lock(hashtextextended('whytrace flags of ' || project, 0))) from (values ",
    );
    sql.rows(projects.into_iter().map(|project| vec![project.into()])).push(") as flags (project)");
    session.fetch_one::<(i64,)>(sql).await?;
    Ok(())
}
