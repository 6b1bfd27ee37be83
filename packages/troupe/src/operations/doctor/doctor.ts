/** The entries of doctor: for an open troupe, for a configuration that does not open, and for a project. */
import { stat } from 'node:fs/promises'
import type { DoctorContext } from '../../configuration/index.ts'
import { declared, openSecrets, revealConfig, type TroupeConfig } from '../../configuration/index.ts'
import {
  type Clock,
  captureOptions,
  checkFlag,
  checkOptions,
  checkSignal,
  createRedactor,
  invalidInput,
  isPlainObject,
  objectOf,
  type Redactor,
  systemClock,
  type TroupeError,
} from '../../core/index.ts'
import { nextUser } from '../../security/index.ts'
import { type BackedUpStorage, pendingMigrations } from '../../storage/index.ts'
import { healthUser } from '../health-checks.ts'
import { storageOf } from '../restore-backup.ts'
import type { TroupeParts } from '../troupe-parts.ts'
import { migrations, userTables } from '../troupe-tables.ts'
import type { ExaminedUsers } from './doctor-subject.ts'
import { type DoctorReport, examine } from './examine.ts'
import { type Host, readHost } from './host.ts'
import { type Project, readProject } from './read-project.ts'

/** The options of `troupe.doctor`. */
export interface DoctorOptions {
  /** True for the checks of production; by default as the profile says. */
  readonly production?: boolean
  /** The folder of a project whose files are checked too; none by default. */
  readonly project?: string
  /** Ends the call with CancelledError. */
  readonly signal?: AbortSignal
}

/** The highest number of users whose data is checked, in the order of their ids. */
const maxUsers = 100

export async function doctorOf(
  parts: TroupeParts,
  troupe: NonNullable<DoctorContext['troupe']>,
  options: DoctorOptions = {},
  host: Host = readHost(),
): Promise<DoctorReport> {
  const { config, production, project, ...rest } = await readSubject(parts.settings.config, options)
  let found: Promise<ExaminedUsers> | undefined
  const subject = {
    ...rest,
    config,
    production,
    host,
    now: parts.platform.clock.now(),
    parts,
    ...(project ? { project } : {}),
    users: () => {
      found ??= usersOf(parts.stores)
      return found
    },
  }
  const { signal } = options
  return examine(subject, {
    clock: parts.platform.clock,
    redact: parts.protection.redactor.redact,
    troupe,
    ...(signal ? { signal } : {}),
  })
}

/**
 * Checks a configuration that is not open or cannot be opened: its settings, the machine, a project.
 * @param options.problem why it cannot be opened; none by default
 * @param options.problem.message what failed, for the report
 * @param options.problem.hint the remedy, for the report
 * @param options.problems the problems of its sources, from `loadConfig`
 * @param options.clock the clock of the checks; by default that of the system
 * @example
 * const { config, problems } = await loadConfig()
 * const { status, checks } = await examineConfig(config, { problems, production: true })
 */
export async function examineConfig(
  config: TroupeConfig,
  options: DoctorOptions & {
    readonly problem?: { readonly message: string; readonly hint?: string | undefined }
    readonly problems?: readonly TroupeError[]
    readonly clock?: Clock
  } = {},
): Promise<DoctorReport> {
  const {
    problem,
    problems,
    clock = systemClock,
    ...rest
  } = objectOf('The options of the doctor', options as never) as typeof options
  const base = await readSubject(isPlainObject(config) ? captureOptions(config) : config, rest)
  const redactor = createRedactor()
  const { storage } = await revealed(base.config, redactor)
  const subject = {
    ...base,
    host: readHost(),
    now: clock.now(),
    // Opening reports why it is unknown.
    ...(await pendingIn(storage).then(
      (pending) => ({ pending }),
      () => ({}),
    )),
    ...(problem ? { problem } : {}),
    ...(problems ? { problems } : {}),
  }
  return examine(subject, { clock, redact: redactor.redact, ...(rest.signal ? { signal: rest.signal } : {}) })
}

/**
 * Returns the migrations that opening a troupe would apply: `storage 4, the mark of a restored database`.
 * @throws the error of a storage that cannot be reached
 */
export async function pendingSteps(config: TroupeConfig): Promise<readonly string[]> {
  return pendingIn(await storageOf(config))
}

async function pendingIn(storage: BackedUpStorage | undefined): Promise<readonly string[]> {
  if (storage === undefined) throw invalidInput('storage', 'it is not known')
  const pending = await pendingMigrations(storage, migrations)
  return pending.map(({ module: moduleName, version, name }) => `${moduleName} ${version}, ${name}`)
}

/**
 * Returns the storage of the configuration with its secrets revealed, and adds the secrets to the redactor. It is wrapped in
 * an object because `await` would call a `then` of a storage object of the caller.
 */
async function revealed(config: TroupeConfig, redactor: Redactor): Promise<{ readonly storage?: BackedUpStorage }> {
  try {
    const secrets = openSecrets(config.secrets, { clock: systemClock, redactor, variables: process.env })
    const { storage } = await revealConfig(config, secrets, redactor)
    return { storage }
  } catch {
    // Opening reports a missing secret.
    return {}
  }
}

/**
 * Checks only the files of a project, with the attestations of the configuration.
 * @param options.project the folder of the project
 * @param options.config the configuration with attestations (`doctor`) and a profile; neither by default
 * @throws ValidationError for an unknown option, or a project that is not a folder
 * @example const { checks } = await examineProject({ project: '.', config })
 */
export async function examineProject(
  options: Omit<DoctorOptions, 'project'> & { readonly project: string; readonly config?: TroupeConfig },
): Promise<DoctorReport> {
  checkOptions('examineProject', options, ['config', 'production', 'project', 'signal'])
  const { config, ...rest } = options
  if (rest.project === undefined) throw noFolder()
  const subject = {
    ...(await readSubject(config ?? { storage: 'memory:' }, rest)),
    host: readHost(),
    now: systemClock.now(),
  }
  return examine(subject, { only: ['project'], ...(rest.signal ? { signal: rest.signal } : {}) })
}

/** @throws ValidationError */
async function readSubject(input: TroupeConfig, options: DoctorOptions) {
  objectOf('The configuration', input as unknown as Readonly<Record<string, unknown>>)
  if (typeof input.storage !== 'string')
    objectOf('The storage', input.storage as unknown as Readonly<Record<string, unknown>>)
  checkOptions('doctor', options, ['production', 'project', 'signal'])
  checkSignal('doctor', options.signal)
  const origins = input[declared]
  const config = origins?.config ?? input
  const production =
    options.production === undefined
      ? config.profile === 'production'
      : checkFlag('doctor.production', options.production)
  const project = options.project === undefined ? undefined : await projectAt(options.project)
  return { config, origins, production, ...(project ? { project } : {}) }
}

const noFolder = () => invalidInput('The project of the doctor', 'it is not a folder')

async function projectAt(folder: string): Promise<Project> {
  const found = typeof folder === 'string' ? await stat(folder).catch(() => undefined) : undefined
  if (!found?.isDirectory()) throw noFolder()
  return readProject(folder)
}

/** Returns the ids of users, which are readable despite row-level security; their data is read as the user. */
async function usersOf({ storage }: TroupeParts['stores']): Promise<ExaminedUsers> {
  const tables = userTables.filter(({ content }) => content)
  const users: string[] = []
  let user = await nextUser(storage, tables, '')
  for (; user !== undefined && users.length < maxUsers; user = await nextUser(storage, tables, user))
    if (user !== healthUser) users.push(user)
  return { users, more: user !== undefined }
}
