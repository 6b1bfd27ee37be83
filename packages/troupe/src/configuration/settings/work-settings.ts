/** The settings of context, messages and models. */
import { serviceTiers } from '../../models/index.ts'
import { liveSetting, type Setting, setting } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { choice, decimal, flag, integer, list, secretStructure, secretText, span, structure, text, time } = settingKinds

export const workSettings: readonly Setting[] = [
  liveSetting('context.cleanup', span(1_000, '1s'), 'interval of the cleanup of expired entries', '5m'),
  liveSetting('context.limits', structure, 'limits of entries and bytes of a user, topics and history'),
  setting('context.lifecycles', structure, 'named lifecycles in addition to the five built-in ones'),
  liveSetting('messaging.lease', time, 'how long a consumer holds a delivery', '30s'),
  liveSetting('messaging.maxAttempts', integer(1), 'deliveries of a message before it becomes a dead letter', 5),
  liveSetting('messaging.capacity.count', integer(1), 'maximum of messages in a mailbox', 10_000),
  liveSetting('messaging.capacity.bytes', integer(1), 'maximum of bytes in a mailbox', 64 * 1024 * 1024),
  setting('messaging.retention', time, 'how long the record of a handled message is stored', '24h'),
  setting('messaging.dedupe', span(1_000, '1s'), 'how long a dedupe id is remembered', '24h'),
  liveSetting('messaging.backpressure', choice('reject', 'wait', 'drop-oldest'), 'what a full mailbox does', 'reject'),
  setting('messaging.signatures', secretStructure, 'signatures that prove the sender of a message'),
  { ...setting('models.model', text, 'model of agents that name none, as provider/model'), variable: 'TROUPE_MODEL' },
  setting('models.apiKey', secretText, 'API key for models.model'),
  setting('models.keys', secretStructure, 'API keys by provider'),
  setting('models.registry', structure, 'names for models or for chains of models'),
  setting('models.defaults.maxOutputTokens', integer(1), 'maximum of tokens in an answer'),
  setting('models.defaults.temperature', decimal(0, 2), 'temperature of agents that name none'),
  setting('models.defaults.topP', decimal(0, 1), 'top-p of agents that name none'),
  setting('models.defaults.stop', list, 'texts that end an answer'),
  setting('models.defaults.seed', integer(0), 'seed of random choices, for providers that accept one'),
  setting('models.defaults.reasoning', structure, 'effort and maximum of tokens for reasoning'),
  setting('models.defaults.serviceTier', choice(...serviceTiers), 'service tier, for providers that have tiers'),
  setting('models.defaults.promptCache', flag, 'whether prompts are marked to be cached', true),
  setting('models.defaults.parallelToolCalls', flag, 'whether one answer may call several tools'),
  setting('models.defaults.providerOptions', structure, 'further options, by provider'),
  liveSetting('models.limits', structure, 'concurrent calls and calls per minute, by model, provider or *'),
  {
    ...setting('models.limits.*.perMinute', integer(1), 'maximum of calls of all models within any minute'),
    variable: 'TROUPE_MODELS_PER_MINUTE',
  },
  setting('models.breaker.failures', integer(1), 'failures in a row before the circuit of a model opens', 5),
  setting('models.breaker.pause', time, 'how long the circuit stays open', '60s'),
  liveSetting('models.attempts', integer(1), 'attempts with one model before the next model of its chain', 3),
  setting('models.idle', time, 'how long a stream may send nothing before it is closed', '5m'),
  setting('models.cache.max', integer(1), 'maximum of answers in the cache', 1_000),
  setting('models.cache.ttl', time, 'how long an answer stays in the cache', '1h'),
  setting('models.embedding', structure, 'the model that computes vectors of texts'),
  setting('models.reranking', structure, 'the model that orders what a search finds'),
]
