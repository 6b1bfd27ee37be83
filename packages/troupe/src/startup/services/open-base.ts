/** Opens what all other parts need: secrets and log, then the storage with its events, then encryption on top of it. */
import { hostname } from 'node:os'
import {
  guardedStorage,
  openSecrets,
  type RevealedConfig,
  revealConfig,
  standardFileBytes,
  storageRetentionOf,
  type TroupeConfig,
} from '../../configuration/index.ts'
import {
  createEvents,
  createIds,
  createRedactor,
  createServerClock,
  type Events,
  type Platform,
  systemClock,
  systemRandom,
} from '../../core/index.ts'
import { Requests } from '../../journal/index.ts'
import {
  activeSpan,
  checkLogConfig,
  createMetricStore,
  createPinoLog,
  failureFields,
  type Log,
  MetricsCollector,
  runInOpenTelemetryContext,
  timeStorage,
} from '../../observability/index.ts'
import {
  migrations,
  type ObservabilityParts,
  type ProtectionParts,
  type StoreParts,
  userTables,
} from '../../operations/index.ts'
import { Cache } from '../../resilience/index.ts'
import { auditSettings, type OpenedEncryption, openEncryption, retentionTable } from '../../security/index.ts'
import { createBlobs, type OpenedStorage, openStorage, separateFiles } from '../../storage/index.ts'
import type { Startup } from '../startup.ts'
import { warnInDevelopment } from './warn-in-development.ts'

/** What is open before any step is executed. */
export interface BaseParts {
  readonly config: RevealedConfig
  readonly platform: Platform
  readonly stores: StoreParts
  readonly protection: Pick<ProtectionParts, 'secrets' | 'redactor'>
  readonly observability: Pick<ObservabilityParts, 'log' | 'metrics' | 'metricStore'>
  readonly encryption: OpenedEncryption
}

/** @param sharedLog the log of the enclosing troupe */
export async function openBase(source: TroupeConfig, startup: Startup, sharedLog: Log | undefined): Promise<BaseParts> {
  const serverClock = createServerClock(systemClock)
  const { clock = serverClock, random = systemRandom } = source
  const redactor = createRedactor()
  const around: { events?: Events } = {}
  const log =
    sharedLog ??
    (await createPinoLog({
      ...checkLogConfig(source.log ?? {}),
      ...(source.debug ? { level: 'debug' as const } : {}),
      terminal: process.stderr.isTTY === true,
      redactText: redactor.redact,
      eventContext: () => around.events?.eventContext(),
    }))
  const secrets = openSecrets(source.secrets, { clock, redactor, variables: process.env })
  const config = await startup.stage('secrets', () => revealConfig(source, secrets, redactor))
  const opened = await startup.stage(
    'storage',
    () => openStorage({ ...storageOptionsOf(config, { clock, random }), onServerTime: serverClock.follow }),
    (storage) => storage.close(),
  )
  const platform = createPlatform({ clock, random, log })
  around.events = platform.events
  const { stores, metrics, metricStore, encryption } = await startup.stage(
    'encryption',
    () => openStores(config, opened, platform, log),
    (stage) => stage.encryption.encryption.close(),
  )
  const observability = { log, metrics, metricStore }
  return { config, platform, stores, protection: { secrets, redactor }, observability, encryption }
}

const storageOptionsOf = (config: RevealedConfig, { clock, random }: Pick<Platform, 'clock' | 'random'>) =>
  ({
    ...(typeof config.storage === 'string' ? { url: config.storage } : { url: 'postgres:', postgres: config.storage }),
    migrations,
    clock,
    random,
    // A clock that the caller passes takes precedence over the clock of the database server.
    time: config.clock ? 'clock' : 'engine',
    production: config.profile === 'production',
    ownerSettings: [{ table: retentionTable, column: 'retention_ms', value: auditSettings(config.audit).retentionMs }],
    ...(config.retention ? { retention: storageRetentionOf(config.retention) } : {}),
    ...(config.faults ? { faults: config.faults } : {}),
  }) as const

function createPlatform({ clock, random, log }: Pick<Platform, 'clock' | 'random'> & { readonly log: Log }): Platform {
  const ids = createIds(clock, random)
  const events = createEvents(
    (error, event) => log.error('an observer failed', failureFields({ event: event.type, ...event }, error)),
    { processId: `${hostname()}/${process.pid}/${ids.next()}`, runInContext: runInOpenTelemetryContext, activeSpan },
  )
  if (process.env.NODE_ENV !== 'production') warnInDevelopment(events, log)
  return { clock, random, ids, events }
}

async function openStores(
  config: RevealedConfig,
  opened: OpenedStorage,
  { clock, random, ids, events }: Platform,
  log: Log,
) {
  const metrics = new MetricsCollector(clock)
  metrics.listen(events)
  const bare = guardedStorage(timeStorage(opened, clock, metrics), config.policies ?? {}, { clock, random })
  bare.onState(({ state, problem }) =>
    events.emit({ type: 'storage.changed', at: clock.now(), state, ...(problem === undefined ? {} : { problem }) }),
  )
  const failed = (error: unknown) =>
    log.error('the re-encryption of stored data failed; the next opening resumes it', { error: error as Error })
  const encryption = await openEncryption({
    storage: bare,
    config: config.encryption,
    clock,
    events,
    tables: userTables,
    failed,
  })
  const { secret } = encryption
  const { fileBytes = standardFileBytes } = config.blobs ?? {}
  const separation = { clock, secret, fileBytes, tables: userTables }
  const { storage, unusedBlobs } = await separateFiles(encryption.storage, separation)
  const stores: StoreParts = {
    storage,
    bare,
    blobs: await createBlobs(storage, { secret, fileBytes }),
    unusedBlobs,
    requests: new Requests({ storage, clock, ids }),
    cache: new Cache({ clock }),
  }
  const metricStore = createMetricStore({ storage, clock, retention: config.retention?.metrics ?? '7d' })
  return { stores, metrics, metricStore, encryption }
}
