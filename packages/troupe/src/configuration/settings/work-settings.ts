/** The settings of context, messages and models. */
import { serviceTiers } from '../../models/index.ts'
import { type Setting, timeKind } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { integer, decimal, span, choice, flag, text, secretText, list, structure } = settingKinds

export const workSettings: readonly Setting[] = [
  {
    path: 'context.cleanup',
    kind: span(1_000, '1s'),
    description: 'interval of the cleanup of expired entries',
    standard: '5m',
    live: true,
  },
  {
    path: 'context.limits',
    kind: structure,
    description: 'limits of entries and bytes of a user, topics and history',
    live: true,
  },
  {
    path: 'context.lifecycles',
    kind: structure,
    description: 'named lifecycles in addition to the five built-in ones',
  },
  {
    path: 'messaging.lease',
    kind: timeKind,
    description: 'how long a consumer holds a delivery',
    standard: '30s',
    live: true,
  },
  {
    path: 'messaging.maxAttempts',
    kind: integer(1),
    description: 'deliveries of a message before it becomes a dead letter',
    standard: 5,
    live: true,
  },
  {
    path: 'messaging.capacity.count',
    kind: integer(1),
    description: 'maximum of messages in a mailbox',
    standard: 10_000,
    live: true,
  },
  {
    path: 'messaging.capacity.bytes',
    kind: integer(1),
    description: 'maximum of bytes in a mailbox',
    standard: 64 * 1024 * 1024,
    live: true,
  },
  {
    path: 'messaging.retention',
    kind: timeKind,
    description: 'how long the record of a handled message is stored',
    standard: '24h',
  },
  {
    path: 'messaging.dedupe',
    kind: span(1_000, '1s'),
    description: 'how long a dedupe id is remembered',
    standard: '24h',
  },
  {
    path: 'messaging.backpressure',
    kind: choice('reject', 'wait', 'drop-oldest'),
    description: 'what a full mailbox does',
    standard: 'reject',
    live: true,
  },
  {
    path: 'messaging.signatures',
    kind: structure,
    secret: true,
    description: 'signatures that prove the sender of a message',
  },
  {
    path: 'models.model',
    variable: 'TROUPE_MODEL',
    kind: text,
    description: 'model of agents that name none, as provider/model',
  },
  { path: 'models.apiKey', kind: secretText, secret: true, description: 'API key for models.model' },
  { path: 'models.keys', kind: structure, secret: true, description: 'API keys by provider' },
  { path: 'models.registry', kind: structure, description: 'names for models or for chains of models' },
  { path: 'models.defaults.maxOutputTokens', kind: integer(1), description: 'maximum of tokens in an answer' },
  { path: 'models.defaults.temperature', kind: decimal(0, 2), description: 'temperature of agents that name none' },
  { path: 'models.defaults.topP', kind: decimal(0, 1), description: 'top-p of agents that name none' },
  { path: 'models.defaults.stop', kind: list, description: 'texts that end an answer' },
  {
    path: 'models.defaults.seed',
    kind: integer(0),
    description: 'seed of random choices, for providers that accept one',
  },
  { path: 'models.defaults.reasoning', kind: structure, description: 'effort and maximum of tokens for reasoning' },
  {
    path: 'models.defaults.serviceTier',
    kind: choice(...serviceTiers),
    description: 'service tier, for providers that have tiers',
  },
  {
    path: 'models.defaults.promptCache',
    kind: flag,
    description: 'whether prompts are marked to be cached',
    standard: true,
  },
  { path: 'models.defaults.parallelToolCalls', kind: flag, description: 'whether one answer may call several tools' },
  { path: 'models.defaults.providerOptions', kind: structure, description: 'further options, by provider' },
  {
    path: 'models.limits',
    kind: structure,
    description: 'concurrent calls and calls per minute, by model, provider or *',
    live: true,
  },
  {
    path: 'models.limits.*.perMinute',
    variable: 'TROUPE_MODELS_PER_MINUTE',
    kind: integer(1),
    description: 'maximum of calls of all models within any minute',
  },
  {
    path: 'models.breaker.failures',
    kind: integer(1),
    description: 'failures in a row before the circuit of a model opens',
    standard: 5,
  },
  { path: 'models.breaker.pause', kind: timeKind, description: 'how long the circuit stays open', standard: '60s' },
  {
    path: 'models.attempts',
    kind: integer(1),
    description: 'attempts with one model before the next model of its chain',
    standard: 3,
    live: true,
  },
  {
    path: 'models.idle',
    kind: timeKind,
    description: 'how long a stream may send nothing before it is closed',
    standard: '5m',
  },
  { path: 'models.cache.max', kind: integer(1), description: 'maximum of answers in the cache', standard: 1_000 },
  { path: 'models.cache.ttl', kind: timeKind, description: 'how long an answer stays in the cache', standard: '1h' },
  { path: 'models.embedding', kind: structure, description: 'the model that computes vectors of texts' },
  { path: 'models.reranking', kind: structure, description: 'the model that orders what a search finds' },
]
