//! A week's gate: its tests, built, sorted by day, and ready to run.

use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::bail;

use crate::cmd::doctor;
use crate::repo::Repo;
use crate::results::{self, Results};
use crate::runner::{self, Build, BuildJob, Built, Event, Limits, Planned, Report};
use crate::style::Progress;
use crate::week::{Unit, Week, features, test_name};

/// The tests of a week's crate as it stands.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    /// Whether someone waits for the answer.
    pub(crate) hasty: bool,
    repo: &'a Repo,
    week: &'a Week,
    built: Built,
    /// In order of learning, each with its tests in the order of their file.
    units: Vec<(&'a Unit, Vec<String>)>,
    sources: String,
    results: Results,
}

impl<'a> Gate<'a> {
    /// Builds the tests, those that need features only with `wanted`, the units that somebody asks for.
    /// None if they do not build; then the compiler's words have been printed, and what we can add to
    /// them.
    pub(crate) fn open<'u>(
        repo: &'a Repo,
        week: &'a Week,
        wanted: impl IntoIterator<Item = &'u Unit>,
    ) -> anyhow::Result<Option<Gate<'a>>> {
        // Taken first: what is saved while the build runs is not what it builds.
        let sources = results::sources(repo, week)?;
        let Some(built) = build(repo, week, &features(wanted))? else { return Ok(None) };
        let listed = runner::list(&built)?;
        let units = by_unit(repo, week, listed)?;
        let results = Results::load(repo, week);
        Ok(Some(Gate { hasty: true, repo, week, built, units, sources, results }))
    }

    /// The units and their tests, in order of learning.
    pub(crate) fn units(&self) -> &[(&'a Unit, Vec<String>)] {
        &self.units
    }

    /// Runs these tests of a unit and remembers what they did. Once `stop` is set, what has not
    /// run by then is left out.
    pub(crate) fn run(
        &mut self,
        unit: &Unit,
        tests: &[String],
        stop: &AtomicBool,
    ) -> anyhow::Result<Vec<Report>> {
        let planned: Vec<Planned> = tests.iter().map(|test| self.plan(unit, test)).collect();
        let mut progress = Progress::new();
        let mut done_count = 0;
        let reports = runner::run(&self.built, &planned, stop, |event| match event {
            Event::Done(_) => done_count += 1,
            Event::Tick(running) => {
                progress.show(describe(unit, done_count, tests.len(), running));
            }
        })?;
        self.results.note(&reports, &self.sources);
        self.results.save(self.repo, self.week)?;
        Ok(reports)
    }

    fn plan(&self, unit: &Unit, test: &str) -> Planned {
        let limits = Limits::within(unit.time_limit(test_name(test)));
        // A test whose time somebody has measured needs it whatever became of others.
        let is_hasty = self.hasty && !unit.has_own_limit(test_name(test));
        let limits = if is_hasty { limits.hasty() } else { limits };
        Planned { test: test.to_owned(), limits }
    }
}

fn build(repo: &Repo, week: &Week, features: &[String]) -> anyhow::Result<Option<Built>> {
    let job = BuildJob {
        workspace: &repo.root,
        package: &week.dir_name,
        features,
        beside: Some("xtask"),
        target_dir: None,
        colour: anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never,
    };
    let mut progress = Progress::new();
    let (mut crate_count, since) = (0, Instant::now());
    let outcome = runner::build(job, |name| {
        crate_count += 1;
        let s = since.elapsed().as_secs();
        progress.show(format!("building · {crate_count} crates, {name} · {s} s"));
    })?;
    progress.clear();
    drop(progress);
    // The compiler's words as they came: it was told whether to colour them.
    match outcome {
        Build::Ready { built, said } => {
            eprint!("{said}");
            Ok(Some(built))
        }
        Build::Failed { said } => {
            eprint!("{said}");
            doctor::explain(repo, &said);
            Ok(None)
        }
    }
}

fn by_unit<'a>(
    repo: &Repo,
    week: &'a Week,
    listed: Vec<String>,
) -> anyhow::Result<Vec<(&'a Unit, Vec<String>)>> {
    let mut by_id: HashMap<&str, Vec<String>> = HashMap::new();
    for test in listed {
        let Some(unit) = week.unit_of_test(&test) else {
            bail!("the test {test} of {} belongs to no day", week.label());
        };
        by_id.entry(&unit.id).or_default().push(test);
    }
    let mut units = Vec::new();
    for unit in week.units() {
        let Some(mut tests) = by_id.remove(unit.id.as_str()) else { continue };
        let order = results::tests_in_source(repo, week, unit);
        // A test that is not found there, as one that a macro makes, comes last.
        tests.sort_by_key(|test| order.iter().position(|t| t == test).unwrap_or(order.len()));
        units.push((unit, tests));
    }
    Ok(units)
}

fn describe(unit: &Unit, done: usize, count: usize, running: &[(String, Instant)]) -> String {
    let mut text = format!("{} · {done} of {count}", unit.label());
    for (test, since) in running {
        text += &format!(" · {} {} s", test_name(test), since.elapsed().as_secs());
    }
    text
}
