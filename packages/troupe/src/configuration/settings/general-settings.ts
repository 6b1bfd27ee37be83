/** The settings of the troupe as a whole. */
import { liveSetting, type Setting, setting } from './setting.ts'
import { settingKinds } from './setting-kinds.ts'

const { choice, flag, integer, logLevel, secretStructure, share, span, structure, time } = settingKinds

export const generalSettings: readonly Setting[] = [
  setting(
    'profile',
    choice('development', 'test', 'production'),
    'the profile, which decides what is rejected at the start',
    'development',
  ),
  setting('requireUserId', flag, 'whether the user `default` is rejected; true in production'),
  liveSetting('log', logLevel, 'the lowest level that is logged to standard error', 'warn'),
  setting(
    'debug',
    flag,
    'log level debug, and stack traces in errors of the command line; rejected in production',
    false,
  ),
  setting('lease', span(1_000, '1s'), 'on PostgreSQL: how long a process owns its runs without a sign of life', '10s'),
  setting('presence.heartbeat', time, 'interval of the heartbeats of an agent', '5s'),
  setting('health', structure, 'health checks and their thresholds'),
  liveSetting(
    'health.every',
    span(1_000, '1s'),
    'interval of background health checks; without it, checks run only on request',
  ),
  liveSetting('health.memory', share, 'share of used memory above which the health is degraded', 0.9),
  liveSetting('health.disk', share, 'share of used disk space above which the health is degraded', 0.9),
  liveSetting(
    'health.lag',
    span(1, '1ms'),
    'delay of timers, context and messages above which the health is degraded',
    '1s',
  ),
  liveSetting('health.queue', integer(1), 'waiting messages in one mailbox above which the health is degraded', 1_000),
  liveSetting('alerts', structure, 'alert rules and their notifications; false turns them off'),
  setting('watchdog', structure, 'reports work without progress; false turns it off'),
  setting('watchdog.after', span(1_000, '1s'), 'how long work may be without progress', '5m'),
  setting('traces', structure, 'which traces are stored; false stores none'),
  liveSetting('traces.retention', time, 'how long traces are stored', '7d'),
  liveSetting('traces.max', integer(1), 'maximum of stored traces of one user', 1_000),
  setting('otlp', secretStructure, 'a collector of OpenTelemetry that receives spans and metrics'),
  setting('audit', secretStructure, 'what the audit log records'),
  setting('egress', structure, 'hosts that tools may connect to'),
  setting('policy', structure, 'rules for untrusted input and sensitive data'),
  liveSetting('policies.agents', structure, 'retries, timeouts and other policies of steps, by agent or *'),
  liveSetting('policies.tools', structure, 'policies of calls, by tool or *'),
  liveSetting('policies.models', structure, 'policies of calls, by model or *'),
  setting('policies.storage', structure, 'policies of reads'),
  setting('limits', structure, 'what a run may use, and what a user may use in a day'),
  setting('roles', structure, 'roles in addition to the four built-in roles'),
  setting('prices', structure, 'US dollars per million tokens, by provider/model'),
  setting('contextWindows', structure, 'context windows in tokens, by provider/model'),
  liveSetting('shutdown.timeout', span(1_000, '1s'), 'how long a drain may take', '25s'),
  setting('restored', choice('wait', 'resume'), 'whether runs of a restored database wait or resume', 'wait'),
  setting('signals', flag, 'whether SIGTERM and SIGINT drain the troupe and end the process', false),
  setting('secrets', structure, 'sources of named secrets', ['environment']),
  setting('cassette', structure, 'replays recorded answers of models and tools; for tests'),
]
