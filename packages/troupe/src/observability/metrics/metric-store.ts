/**
 * Stored metrics of users: one sum per minute, so that the cost of a history depends on its minutes and not on the number of records.
 * They survive restarts and are the same in all processes.
 */
import { sql } from 'kysely'
import {
  type Clock,
  canonicalJson,
  checkFlag,
  checkName,
  checkOptions,
  type Duration,
  failure,
  invalidInput,
  isExactNumber,
  milliseconds,
  nearestOf,
  type UserId,
} from '../../core/index.ts'
import { committed, type Dialect, type Fragment, type Row, type Storage, templates } from '../../storage/index.ts'
import { checkLabels, checkValue, type RecordOptions, type SummaryOptions } from './metrics-collector.ts'
import type { Labels } from './series.ts'
import type { MetricSummary } from './summarize.ts'

/** The summary of the minutes within the window; percentiles are not stored. */
export type StoredMetricSummary = Pick<MetricSummary, 'count' | 'failures' | 'average' | 'min' | 'max' | 'latest'>

export interface MetricStore {
  /**
   * Returns the statements that add a value to the rows of its minute; the same for the same arguments.
   * @throws ValidationError
   */
  recorded(user: UserId, name: string, value: number, options: RecordOptions): Fragment
  record(user: UserId, name: string, value: number, options: RecordOptions): Promise<void>
  /** @throws NotFoundError `metric.unknown`; ValidationError */
  summary(user: UserId, name: string, options: SummaryOptions): Promise<StoredMetricSummary>
  names(user: UserId): Promise<readonly string[]>
  /** Deletes minutes beyond the retention, and the oldest minutes beyond the limit. */
  cleanup(user: UserId): Promise<void>
  setRetention(retention: Duration): void
}

const minuteMs = 60_000
/** The highest number of minutes of all series of one user. */
const maxMinutes = 100_000
/** The highest number of listed names. */
const maxNames = 1_000
/** The highest size of the labels as JSON: PostgreSQL can index them with the longest names of a user and a metric. */
const maxLabelBytes = 2_048

interface MetricStoreParts {
  readonly storage: Pick<Storage, 'dialect' | 'commit' | 'read'>
  readonly clock: Pick<Clock, 'now'>
  readonly retention: Duration
}

export function createMetricStore({ storage, clock, retention }: MetricStoreParts): MetricStore {
  const queries = compile(storage.dialect)
  let retentionMs = milliseconds(retention, 'retention.metrics', '1m')
  const minuteOf = (at: number) => Math.floor(at / minuteMs) * minuteMs
  const commit = async (user: UserId, { statements }: Fragment) => {
    await committed(storage, { id: null, scope: { user }, statements })
  }
  const recorded: MetricStore['recorded'] = (user, name, value, options) => {
    const { labels, failures } = checkRecord(name, value, options)
    return { statements: [queries.add({ user, name, labels, minute: minuteOf(clock.now()), failures, value })] }
  }
  const names: MetricStore['names'] = async (user) => {
    const [rows = []] = await storage.read({ user }, [queries.names({ user, limit: maxNames }, { returns: true })])
    return rows.map((row) => String(row.name))
  }
  return {
    recorded,
    names,
    record: (user, name, value, options) => commit(user, recorded(user, name, value, options)),
    async summary(user, name, options) {
      checkOptions('summary', options, ['window', 'labels'])
      checkName('metric', name)
      const { window, labels = {} } = options
      checkLabels(labels)
      const windowMs = window === undefined ? retentionMs : Math.min(retentionMs, milliseconds(window, 'window'))
      // The minute in which the window begins counts whole.
      const since = minuteOf(clock.now() - windowMs)
      const [rows = []] = await storage.read({ user }, [queries.minutes({ user, name, since }, { returns: true })])
      if (rows.length === 0) await requireKnown(name, await names(user))
      return summaryOf(rows.filter((row) => hasLabels(row, labels)))
    },
    async cleanup(user) {
      const before = minuteOf(clock.now() - retentionMs)
      await commit(user, { statements: [queries.old({ user, before }), queries.excess({ user, max: maxMinutes })] })
    },
    setRetention(wanted) {
      retentionMs = milliseconds(wanted, 'retention.metrics', '1m')
    },
  }
}

function checkRecord(name: string, value: number, options: RecordOptions) {
  checkName('metric', name)
  checkOptions(`The metric ${name}`, options, ['labels', 'success'])
  const { labels = {}, success = true } = options
  checkLabels(labels)
  checkFlag(`success of the metric ${name}`, success)
  checkValue(name, value)
  if (!isExactNumber(value))
    throw invalidInput(
      `The metric ${name}`,
      `its value ${value} is not from -${Number.MAX_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
    )
  const text = canonicalJson({ ...labels })
  if (Buffer.byteLength(text) > maxLabelBytes)
    throw invalidInput(`The labels of the metric ${name}`, `they have more than ${maxLabelBytes} bytes as JSON`)
  return { labels: text, failures: success ? 0 : 1 }
}

function requireKnown(name: string, names: readonly string[]): void {
  if (names.includes(name)) return
  throw failure('metric.unknown', {
    metric: name,
    nearest: names.length === 0 ? 'to record it' : nearestOf(name, names, 'docs/metrics.md'),
  })
}

const hasLabels = ({ labels }: Row, wanted: Labels): boolean => {
  const own = JSON.parse(String(labels)) as Labels
  return Object.entries(wanted).every(([label, value]) => own[label] === value)
}

function summaryOf(rows: readonly Row[]): StoredMetricSummary {
  const sum = (column: string) => rows.reduce((total, row) => total + Number(row[column]), 0)
  const count = sum('count')
  return {
    count,
    failures: sum('failures'),
    average: count === 0 ? 0 : sum('sum') / count,
    min: count === 0 ? 0 : Math.min(...rows.map((row) => Number(row.min))),
    max: count === 0 ? 0 : Math.max(...rows.map((row) => Number(row.max))),
    // In the order of their minutes.
    latest: Number(rows.at(-1)?.latest ?? 0),
  }
}

type Added = { user: string; name: string; labels: string; minute: number; failures: number; value: number }

function compile(dialect: Dialect) {
  const raw = templates(dialect)
  return {
    add: raw<Added>(
      (p) =>
        sql`insert into metric_minutes (user_id, name, labels, minute, count, failures, sum, min, max, latest)
          values (${p.user}, ${p.name}, ${p.labels}, ${p.minute}, 1, ${p.failures}, ${p.value}, ${p.value}, ${p.value}, ${p.value})
          on conflict (user_id, name, labels, minute) do update set count = metric_minutes.count + 1,
            failures = metric_minutes.failures + excluded.failures, sum = metric_minutes.sum + excluded.sum,
            min = case when excluded.min < metric_minutes.min then excluded.min else metric_minutes.min end,
            max = case when excluded.max > metric_minutes.max then excluded.max else metric_minutes.max end,
            latest = excluded.latest`,
    ),
    minutes: raw<{ user: string; name: string; since: number }>(
      (p) => sql`select labels, minute, count, failures, sum, min, max, latest from metric_minutes
        where user_id = ${p.user} and name = ${p.name} and minute >= ${p.since} order by minute`,
    ),
    names: raw<{ user: string; limit: number }>(
      (p) => sql`select distinct name from metric_minutes where user_id = ${p.user} order by name limit ${p.limit}`,
    ),
    old: raw<{ user: string; before: number }>(
      (p) => sql`delete from metric_minutes where user_id = ${p.user} and minute < ${p.before}`,
    ),
    excess: raw<{ user: string; max: number }>(
      (p) => sql`delete from metric_minutes where user_id = ${p.user} and minute <= (select minute from metric_minutes
        where user_id = ${p.user} order by minute desc limit 1 offset ${p.max})`,
    ),
  }
}
