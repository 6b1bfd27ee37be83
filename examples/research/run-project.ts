/** Runs a research project: opens the database, starts the team or lets it go on, shows it at work, writes the report. */
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createTroupe, type Run, type RunEvent, type Troupe } from 'troupe'
import { InputError, SearchIndex } from './documents/index.ts'
import { type Asked, projectOf, runToResume } from './project.ts'
import { accountOf } from './report/account-of.ts'
import { reportPath, twinPath, writeReport } from './report/write-report.ts'
import { linkTo, servePage, untilAborted } from './serve-page.ts'
import { createTeam } from './team/create-team.ts'
import { modelOf } from './team/model-of.ts'
import { Outcome, type Project } from './team/shapes.ts'

export interface RunOptions extends Asked {
  /** The folder of the database. */
  readonly data: string
  /** A run to go on with; `true` is the newest that is not over. */
  readonly resume?: string | true | undefined
  /** Shows the run on a page as well, and goes on serving it until the signal. */
  readonly page?: boolean
}

/** Who watches: told when the run is known, and of each event that this process sees happen. */
export interface Watcher {
  /** Before there is a run. */
  report(what: string): void
  begins(run: string, project: Project, resumed: boolean): void
  event(event: RunEvent): void
  ends(): void | Promise<void>
  /** The report is written. */
  reported(path: string): void
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
    return watcher.reported(await deliver(known.run, project))
  watcher.report('Reading the documents …')
  const index = await SearchIndex.open(
    { folders: project.folders, files: project.files },
    { base: project.base, signal },
  )
  const { topology, config } = createTeam({ index, model: modelOf(project.model) })
  // Starting with the id of a run that exists lets that run go on.
  const run = await orchestra.start({
    ...(known ? { id: known.run.id } : {}),
    task: project,
    topology,
    config,
    tags: ['research'],
  })
  await using page = options.page ? await servePage(troupe) : undefined
  if (page) watcher.report(`Watch it at ${await linkTo(page, user, run.id)} (the link works once)`)
  watcher.begins(run.id, project, known !== undefined)
  try {
    await watch(troupe, run, watcher, signal)
  } finally {
    await watcher.ends()
  }
  watcher.reported(await deliver(run, project))
  if (!page) return
  watcher.report(`Serving ${page.url} until Ctrl-C.`)
  await untilAborted(signal)
}

/**
 * Until the run is over, or nothing in it can move.
 * @throws InputError where the database can't be written any more: a troupe waits for space, a person at a terminal is told
 */
async function watch(troupe: Troupe, run: Run, watcher: Watcher, signal: AbortSignal): Promise<void> {
  const stuck = new AbortController()
  let problem: string | undefined
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
    if (problem !== undefined) throw new InputError(`${problem} Then: npm start -- --resume ${run.id}`)
    await still
  } finally {
    off()
  }
}

async function openTroupe(data: string): Promise<Troupe> {
  const folder = resolve(data)
  try {
    await mkdir(folder, { recursive: true })
  } catch (cause) {
    throw new InputError(`The folder ${folder} for the database cannot be made: ${(cause as Error).message}.`, {
      cause,
    })
  }
  return createTroupe({ storage: `sqlite:${join(folder, 'research.db')}`, log: 'silent' })
}

const pathOf = (run: Run, { reports, question }: Project) => reportPath(reports, question, run.id)
const isDelivered = (run: Run, project: Project) => existsSync(pathOf(run, project))

/** The journal holds the outcome, so that a report that was not written can be written at any time. */
async function deliver(run: Run, project: Project): Promise<string> {
  const result = await run.result()
  if (result.status !== 'completed')
    throw result.error ?? new Error(`The run ${run.id} cannot go on: it is ${result.reason ?? result.status}.`)
  const { final_report, twin } = Outcome.parse(result.response)
  const path = pathOf(run, project)
  await writeReport(twinPath(path), `${JSON.stringify(twin, null, 2)}\n`)
  await writeReport(path, `${final_report}\n\n${accountOf(run.id, result, project.model)}\n`)
  return path
}
