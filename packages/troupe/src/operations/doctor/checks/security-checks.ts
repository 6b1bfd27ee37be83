/** Checks of security: isolation, keys, encryption, TLS and secrets. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { auditSettings, readTaintPolicy } from '../../../security/index.ts'
import {
  agentsOf,
  counted,
  type DoctorSubject,
  fail,
  isPostgres,
  listNames,
  pass,
  serverOf,
  short,
  warn,
} from '../doctor-subject.ts'
import type { CheckFunctions } from './check-functions.ts'

const yearMs = 365 * 86_400_000
const maxIncidents = 100
/** A key that expires sooner, in ms, must be replaced now. */
const soonMs = 7 * 86_400_000

export const securityChecks = {
  'users.required'(subject) {
    const { requireUserId, profile } = subject.config
    if (requireUserId ?? profile === 'production') return pass('The scope default is rejected.')
    return short(
      subject,
      'Requests that name no user share the scope default.',
      'Set requireUserId: true, or TROUPE_REQUIRE_USER_ID=true.',
    )
  },

  async 'encryption.rest'(subject) {
    const { state, current, reencryption } = await subject.parts.protection.encryption.status()
    if (state === 'encrypted')
      return pass(`Entries, messages, memory and journals are encrypted with the key ${current}.`)
    if (state === 'off')
      return short(
        subject,
        'Anyone with access to the database or a backup can read everything.',
        'Set TROUPE_ENCRYPTION_KEY to 32 random bytes in hexadecimal (openssl rand -hex 32), or encryption.keys.',
      )
    return warn(
      `The encryption is ${state}${reencryption ? `, by the re-encryption ${reencryption}` : ''}: until it ends, some data is not encrypted.`,
      'Leave the troupe open until the re-encryption has ended; it continues automatically.',
    )
  },

  'encryption.transit'(subject) {
    const plain = unencryptedConnections(subject)
    if (plain.length === 0) return pass('All configured connections to other machines use TLS.')
    return short(
      subject,
      `Unencrypted to other machines: ${listNames(plain)}.`,
      'Set storage.tls: true for PostgreSQL, https:// for models, webhooks and collectors, and a TLS proxy in front of the server.',
    )
  },

  'audit.log'(subject) {
    const { writes, retentionMs } = auditSettings(subject.config.audit)
    const days = Math.floor(retentionMs / 86_400_000)
    if (!writes) return short(subject, 'Allowed writes are not recorded.', 'Remove audit.writes: false.')
    if (retentionMs < yearMs)
      return warn(
        `Records are stored for ${counted(days, 'day')}.`,
        "Set audit.retention to '365d', or as your law requires.",
      )
    return pass(`Every write and every rejection, stored for ${counted(days, 'day')}.`)
  },

  'audit.checkpoints'(subject) {
    const { checkpoints } = subject.config.audit ?? {}
    if (checkpoints) return pass(`Signed every ${checkpoints.every ?? '5m'} with the key ${checkpoints.key.id}.`)
    return short(
      subject,
      'The owner of the database could change the audit log unnoticed.',
      'Set audit.checkpoints with a key and a destination outside the control of the database owner: docs/audit.md.',
    )
  },

  'roles.least'(subject) {
    const agents = agentsOf(subject)
    const mighty = agents.filter(({ access }) => access.role === 'admin')
    if (mighty.length > 0)
      return warn(
        `${listNames(mighty.map(({ name }) => name))} can change entries of other agents, and their audience.`,
        'Give role: contributor, or moderator to agents that delete for others; allow names single tools.',
      )
    return pass(
      `${counted(agents.length, 'agent')} of the configuration, none an admin; an agent without a role is a contributor.`,
    )
  },

  async 'access.named'({ parts, users }) {
    let [all, open] = [0, 0]
    for (const user of (await users()).users.slice(0, 20)) {
      const { items } = await parts.communication.mesh.host(user).list({ limit: 100 })
      all += items.length
      open += items.filter(({ audience }) => audience === 'everyone').length
    }
    if (all >= 20 && open === all)
      return warn(
        `All ${all} examined entries are readable by every agent of their user.`,
        'Set subscribers or topics of entries that only some agents need.',
      )
    return pass(`${all - open} of ${all} examined entries name their audience.`)
  },

  'secrets.named'(subject) {
    const written = writtenSecrets(subject)
    if (written.length === 0) return pass('All secrets are references or come from the environment.')
    const remedy =
      "Use secretRef('NAME') in code and a reference to a secret in YAML, and list their sources in `secrets`."
    if (!subject.origins) return warn(`The application passes as text: ${listNames(written)}.`, remedy)
    return short(subject, `The configuration contains as text: ${listNames(written)}.`, remedy)
  },

  async 'secrets.files'({ config, host }) {
    const folders = (config.secrets ?? []).flatMap((source) =>
      typeof source === 'object' && 'files' in source ? [source.files] : [],
    )
    const database =
      typeof config.storage === 'string' ? /^sqlite:(?:\/\/)?(.+)$/s.exec(config.storage)?.[1] : undefined
    const open: string[] = []
    for (const path of [...folders, join(host.folder, '.env'), ...(database ? [database] : [])]) {
      const mode = (await stat(resolve(host.folder, path)).catch(() => undefined))?.mode
      if (mode !== undefined && (mode & 0o007) !== 0) open.push(path)
    }
    if (open.length === 0) return pass('Folders of secrets, .env and the database are not accessible to all accounts.')
    return fail(`Every account of this machine can access ${listNames(open)}.`, `chmod o-rwx ${open.join(' ')}`)
  },

  async 'api-keys.current'({ parts, now }) {
    const { items } = await parts.security.apiKeys.list({ limit: 1_000 })
    const valid = items.filter(({ state }) => state === 'valid')
    const due = valid.filter((key) => key.rotationDue)
    const endless = valid.filter(({ expiresAt }) => expiresAt === undefined)
    const ending = valid.filter(({ expiresAt }) => expiresAt !== undefined && Date.parse(expiresAt) - now < soonMs)
    const ids = (keys: typeof items) => listNames(keys.map(({ id, name }) => `${name} (${id})`))
    if (due.length > 0)
      return warn(
        `Older than 30 days: ${ids(due)}.`,
        'Rotate each with `troupe api-keys rotate ID`; the old one works for an hour more.',
      )
    if (ending.length > 0)
      return warn(
        `Expiring within a week: ${ids(ending)}.`,
        'Rotate each with `troupe api-keys rotate ID` before it expires.',
      )
    if (endless.length > 0)
      return warn(`Without expiry: ${ids(endless)}.`, 'Create keys with --expires-in 90d, and revoke these.')
    return pass(`${counted(valid.length, 'key')} valid, each younger than 30 days.`)
  },

  async 'server.guarded'(subject) {
    const host = String(serverOf(subject, 'host') ?? '127.0.0.1')
    const origins = serverOf(subject, 'origins')
    if (Array.isArray(origins) && origins.includes('*'))
      return short(subject, 'Pages of every site can call the server.', 'Name the sites in server.origins.')
    if (['127.0.0.1', '::1', 'localhost'].includes(host)) return pass('The server listens on this machine only.')
    const isConfigured = ['key', 'jwt', 'oidc'].some((name) => serverOf(subject, name) !== undefined)
    if (!isConfigured && !(await subject.parts?.security.apiKeys.any()))
      return fail(
        `The server listens on ${host}, and no key is set.`,
        'Give each caller a key of its own: `troupe api-keys create NAME`.',
      )
    return pass(`The server listens on ${host}, and every caller needs a key.`)
  },

  'messages.signed'(subject) {
    const { signatures } = subject.config.messaging ?? {}
    const keys = signatures?.keys ?? []
    const policy = signatures ? (signatures.policy ?? 'require') : 'off'
    const ending = keys.filter(({ until }) => until !== undefined && Number(new Date(until)) - subject.now < soonMs)
    if (policy === 'require' && keys.length > 0 && ending.length === keys.length)
      return warn(
        `All keys have expired, or expire within a week: ${listNames(ending.map(({ id }) => id))}.`,
        'Add a successor to messaging.signatures.keys; without one, no message can be sent.',
      )
    if (policy === 'require') return pass(`Every message is signed, with ${counted(keys.length, 'key')}.`)
    const seen = policy === 'off' ? 'Messages are not signed.' : 'Messages without a signature are accepted.'
    const remedy = "Set messaging.signatures with keys, and policy: 'require': docs/messaging.md."
    // Only this process writes to a file that it has opened exclusively.
    return isPostgres(subject) ? short(subject, seen, remedy) : warn(seen, remedy)
  },

  'taint.policy'(subject) {
    const { taint, people } = readTaintPolicy(subject.config.policy)
    if (taint === 'report')
      return short(
        subject,
        'A step that has read untrusted input and sensitive data may act outside; this is only recorded.',
        "Set policy.taint to 'approve', the default, or 'refuse'.",
      )
    return pass(
      `Such a change is ${taint === 'refuse' ? 'rejected' : 'done after a person agreed to its exact arguments'}; what people say counts as ${people.length > 0 ? 'untrusted' : 'trusted'}.`,
    )
  },

  'egress.listed'(subject) {
    const { egress = {}, profile } = subject.config
    const wide = (egress.privateAddresses ?? []).filter((block) => /\/[0-7]$/.test(block))
    if (wide.length > 0)
      return fail(
        `Tools can reach large private networks: ${listNames(wide)}.`,
        'Name single addresses in egress.privateAddresses.',
      )
    const allow = egress.allow ?? (profile === 'production' ? [] : undefined)
    if (allow)
      return pass(allow.length === 0 ? 'Tools can reach no host.' : `Tools can reach only ${listNames(allow)}.`)
    return short(
      subject,
      'Tools can reach every public host.',
      "Name the hosts: egress: { allow: ['api.example.com'] }.",
    )
  },

  async 'incidents.few'({ parts, now }) {
    const from = new Date(now - 86_400_000).toISOString()
    const { items } = await parts.security.audit.incidents({ from, limit: maxIncidents + 1 })
    const seen = `${items.length > maxIncidents ? `More than ${maxIncidents}` : items.length} rejected within a day.`
    if (items.length <= maxIncidents) return pass(seen)
    return warn(seen, '`troupe audit incidents` lists them.')
  },
} satisfies Partial<CheckFunctions>

const isLocal = (host: string) => /^(localhost|\[?::1\]?|127(\.\d+){3}|\/.*)$/.test(host)

/** Returns the remote addresses of the configuration without TLS. */
function unencryptedConnections(subject: DoctorSubject): readonly string[] {
  const { config } = subject
  const { storage, alerts, otlp, models = {}, audit } = config
  const plain: string[] = []
  const url = typeof storage === 'string' ? storage : 'secret' in storage ? undefined : storage.url
  const parsedUrl = typeof url === 'string' && URL.canParse(url) ? new URL(url) : undefined
  const options = typeof storage === 'object' && !('secret' in storage) ? storage : {}
  const host = options.host ?? parsedUrl?.hostname
  const isServer = typeof storage === 'object' || /^postgres/.test(storage)
  const encrypted = options.tls !== undefined && options.tls !== false && options.tls !== 'none'
  const asked =
    /require|verify/.test(parsedUrl?.searchParams.get('sslmode') ?? '') || parsedUrl?.searchParams.get('ssl') === 'true'
  if (isServer && host && !isLocal(host) && !encrypted && !asked) plain.push(`PostgreSQL at ${host}`)
  const webhooks = alerts ? (alerts.to ?? []).flatMap((to) => ('webhook' in to ? [to.webhook.url] : [])) : []
  const named = Object.values(models.registry ?? {}).flat()
  const compatible = named.flatMap((spec) => (typeof spec === 'object' && 'url' in spec ? [spec.url] : []))
  const checkpoints = typeof audit?.checkpoints?.to === 'string' ? [audit.checkpoints.to] : []
  const publicUrl = serverOf(subject, 'publicUrl')
  for (const one of [
    ...webhooks,
    ...(otlp ? [otlp.url] : []),
    ...compatible,
    ...checkpoints,
    ...(typeof publicUrl === 'string' ? [publicUrl] : []),
  ]) {
    const to = URL.canParse(one) ? new URL(one) : undefined
    if (to?.protocol === 'http:' && !isLocal(to.hostname)) plain.push(`${to.protocol}//${to.host}`)
  }
  return plain
}

/** Returns the paths of plain secrets in the configuration, never their values. */
function writtenSecrets(subject: DoctorSubject): readonly string[] {
  const { config, origins, host } = subject
  const { storage, encryption, messaging, models = {}, audit } = config
  const options = typeof storage === 'string' ? { url: storage } : 'secret' in storage ? {} : storage
  const found: [path: string, value: unknown][] = [
    ...(['url', 'migrateUrl', 'listenUrl'] as const).map((name): [string, unknown] => [
      `storage.${name}`,
      /^\w+:\/\/[^@/]*?:([^@]+)@/s.exec(String(options[name] ?? ''))?.[1],
    ]),
    ['storage.password', options.password],
    ...(encryption && 'keys' in encryption
      ? encryption.keys.map(({ id, key }): [string, unknown] => [`encryption.keys.${id}`, key])
      : []),
    ...(messaging?.signatures?.keys ?? []).flatMap((key): [string, unknown][] => [
      [`messaging.signatures.keys.${key.id}`, key.secret],
      [`messaging.signatures.keys.${key.id}`, key.privateKey],
    ]),
    ['models.apiKey', models.apiKey],
    ...Object.entries(models.keys ?? {}).map(([name, key]): [string, unknown] => [`models.keys.${name}`, key]),
    ['audit.checkpoints.key', audit?.checkpoints?.key.privateKey],
    ['server.key', serverOf(subject, 'key')],
  ]
  return found.flatMap(([path, value]) => {
    if (typeof value !== 'string' || host.variables.has(value)) return []
    const source = sourceOf(origins, path.startsWith('encryption.') ? 'encryption.key' : path)
    return source === 'environment' || source === '.env' ? [] : [path]
  })
}

/** Returns the source of the setting, or of the nearest setting that contains it. */
function sourceOf(origins: DoctorSubject['origins'], path: string): string | undefined {
  for (let at = path; at !== ''; at = at.slice(0, Math.max(0, at.lastIndexOf('.')))) {
    const found = origins?.effectiveValues.get(at)
    if (found) return found.origin.source
  }
  return undefined
}
