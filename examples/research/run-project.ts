/** Runs a research project: opens the database, starts the team or lets it go on, shows it at work, writes the report. */
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTroupe, type Orchestra, type Run, type StartSpec, type Troupe } from 'troupe'
import { crashing } from './crash.ts'
import { describeRecovery } from './describe-recovery.ts'
import { InputError, SearchIndex } from './documents/index.ts'
import { type Asked, projectOf, runToResume } from './project.ts'
import { accountOf } from './report/account-of.ts'
import { reportPath, twinPath, writeReport } from './report/write-report.ts'
import { resumeCommand } from './resume-command.ts'
import { linkTo, servePage, untilAborted } from './serve-page.ts'
import { createTeam } from './team/create-team.ts'
import { modelOf } from './team/model-of.ts'
import { Outcome, type Project } from './team/shapes.ts'
import type { Watcher } from './watcher.ts'

export interface RunOptions extends Asked {
  /** The folder of the database. */
  readonly data: string
  /** A run to go on with; `true` is the newest that is not over. */
  readonly resume?: string | true | undefined
  /** Ends this process with SIGKILL once a researcher has finished. */
  readonly crash?: boolean
  /** Shows the run on a page as well, and goes on serving it until the signal. */
  readonly page?: boolean
}

const user = 'researcher'

/** @throws InputError and what the troupe or the run failed with */
export async function runProject(options: RunOptions, watcher: Watcher, signal: AbortSignal): Promise<void> {
  const asked = options.resume === undefined ? projectOf(options) : undefined
  await using troupe = await openTroupe(options.data)
  const { orchestra } = troupe.user(user)
  const known = asked
    ? undefined
    : await runToResume(orchestra, options.resume === true ? undefined : options.resume, isDelivered)
  const project = (asked ?? known?.project) as Project
  signal.throwIfAborted()
  if (known && (await known.run.status()).status === 'completed')
    return watcher.reported(await deliver(known.run, project, options.data))
  watcher.report('Reading the documents …')
  const index = await SearchIndex.open(
    { folders: project.folders, files: project.files },
    { base: project.base, signal, store: indexPath(options.data, project) },
  )
  // Before the run goes on.
  const recovery = known ? await describeRecovery(orchestra, known.run) : []
  const { topology, config } = createTeam({
    index,
    model: modelOf(project.model),
    ...(project.id === undefined ? {} : { project: project.id }),
  })
  await checkKeys(orchestra, topology)
  const since = Date.now()
  const run = await startOrResume(orchestra, known?.run, { task: project, topology, config, tags: ['research'] })
  await using page = options.page ? await servePage(troupe) : undefined
  if (page) watcher.report(`Watch it at ${await linkTo(page, user, run.id)} (the link works once)`)
  for (const line of recovery) watcher.report(line)
  watcher.begins(run.id, project, known !== undefined, since)
  try {
    const shown = options.crash ? crashing(watcher, run.id, options.data) : watcher
    await watch(troupe, run, shown, { signal, data: options.data })
  } finally {
    await watcher.ends()
  }
  watcher.reported(await deliver(run, project, options.data))
  if (!page) return
  const printLink = async () =>
    watcher.report(`Open ${await linkTo(page, user, run.id)} (works once, within five minutes; Enter prints another).`)
  await printLink()
  watcher.report(`Serving ${page.url} until Ctrl-C.`)
  await untilAborted(signal, printLink)
}

interface Watching {
  readonly signal: AbortSignal
  /** The folder of the database. */
  readonly data: string
}

/**
 * Until the run is over, or nothing in it can move.
 * @throws InputError where the database can't be written any more: a troupe waits for space, a person at a terminal is told
 */
async function watch(troupe: Troupe, run: Run, watcher: Watcher, { signal, data }: Watching): Promise<void> {
  const stuck = new AbortController()
  let problem: string | undefined
  const offModels = [troupe.on('model.called', watcher.model), troupe.on('model.retried', watcher.model)]
  const off = troupe.on('storage.changed', ({ state, problem: reason }) => {
    if (state === 'open' || state === 'closed') return
    problem = String(reason ?? 'The database cannot be written.')
    stuck.abort()
  })
  const either = AbortSignal.any([signal, stuck.signal])
  const still = run.result({ signal: either }).then(({ status }) => {
    if (status === 'waiting') stuck.abort()
  })
  still.catch(() => {})
  try {
    for await (const event of run.events({ signal: either })) watcher.event(event)
    signal.throwIfAborted()
    if (problem !== undefined) throw new InputError(`${problem} Then: ${resumeCommand(run.id, data)}`)
    await still
  } finally {
    off()
    for (const offModel of offModels) offModel()
  }
}

/** @throws InputError where the model lacks its key: a run would fail at its first question */
async function checkKeys(orchestra: Orchestra, topology: ReturnType<typeof createTeam>['topology']): Promise<void> {
  const findings = await orchestra.check(topology)
  const missing = findings.find(({ code }) => code === 'model.key_missing')
  if (missing) throw new InputError(`${missing.message} ${missing.remedy}`)
}

/** A run that failed is retried as a new run, which shares what had succeeded: no answer is paid for twice. */
async function startOrResume(orchestra: Orchestra, known: Run | undefined, spec: StartSpec): Promise<Run> {
  if (!known) return orchestra.start(spec)
  // Starting with the id of a run that exists resumes that run, and makes its agents known to this process.
  const run = await orchestra.start({ id: known.id, ...spec })
  return (await run.status()).status === 'failed' ? retryFirstFailure(run) : run
}

/** The Coordinator collects failures of others and fails last: the first step that failed is where the run went wrong. */
async function retryFirstFailure(run: Run): Promise<Run> {
  for await (const event of run.events()) if (event.type === 'step.failed') return run.retry({ from: event.step })
  return run.retry()
}

function openTroupe(data: string): Promise<Troupe> {
  return createTroupe({ storage: `sqlite:${join(resolve(data), 'research.db')}`, log: 'silent' })
}

/** The index of these documents beside the database: the next question about them reads only what has changed. */
function indexPath(data: string, { folders, files, base }: Project): string {
  return join(resolve(data), `documents-${hash('sha256', JSON.stringify([folders, files, base])).slice(0, 16)}.index`)
}

const pathOf = (run: Run, { reports, question }: Project) => reportPath(reports, question, run.id)
const isDelivered = (run: Run, project: Project) => existsSync(pathOf(run, project))

/** The journal holds the outcome, so that a report that was not written can be written at any time. */
async function deliver(run: Run, project: Project, data: string): Promise<string> {
  const result = await run.result()
  if (result.status !== 'completed')
    throw result.error ?? new Error(`The run ${run.id} cannot go on: it is ${result.reason ?? result.status}.`)
  const { final_report, twin } = Outcome.parse(result.response)
  const path = pathOf(run, project)
  try {
    await writeReport(twinPath(path), `${JSON.stringify(twin, null, 2)}\n`)
    await writeReport(path, `${final_report}\n\n${accountOf(run.id, result, project.model)}\n`)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    throw new InputError(`${error.message} Correct that, then: ${resumeCommand(run.id, data)}`, { cause: error })
  }
  return path
}
