import { describe, expect, it } from 'vitest'
import { createTroupe, handleSignals, loadConfig } from '../../index.ts'
import { examineProject, HealthMonitor, showConfig } from '../../operations.ts'

const x = 5 as never

describe('invalid calls of observation', () => {
  it.each<[pattern: RegExp, call: (troupe: Awaited<ReturnType<typeof createTroupe>>) => unknown]>([
    [/summary has no option windw/, ({ metrics }) => metrics.summary('x', { windw: '5m' } as never)],
    [/The gauge g is not valid: it must be a number or a function/, ({ metrics }) => metrics.gauge('g', 'x' as never)],
    [/The name of a metric is not valid: it is empty/, ({ metrics }) => metrics.gauge('', 1)],
    [/The name of a metric is not valid: it is empty/, ({ metrics }) => metrics.increment('')],
    [/The name of a metric is not valid: it is not a text/, ({ metrics }) => metrics.timer(x)],
    [
      /The function that x tracks is not valid: it must be a function, got/,
      ({ metrics }) => metrics.trackExecution('x', x),
    ],
    [/The name of a metric is not valid: it is not a text/, ({ performance }) => performance.time(x)],
    [
      /The function that x tracks is not valid: it must be a function, got/,
      ({ performance }) => performance.track('x', x),
    ],
    [
      /The function of the span x is not valid: it must be a function, got/,
      (troupe) => troupe.user('ada').traces.span('x', x),
    ],
    [
      /timeout is not valid: it must be at least 1ms/,
      () => new HealthMonitor().register('x', () => true, { timeout: '0s' }),
    ],
    [/The health check x is not valid: it must be a function, got/, () => new HealthMonitor().register('x', x)],
    [/it is not a troupe/, () => handleSignals(x)],
  ])('%s', async (pattern, call) => {
    await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
    const rejected = expect.objectContaining({ name: 'ValidationError', message: expect.stringMatching(pattern) })
    await expect(Promise.resolve().then(() => call(troupe))).rejects.toThrow(rejected)
  })

  it.each<[pattern: RegExp, call: () => unknown]>([
    [
      /log.redact is not valid: it is not a list/,
      () => createTroupe({ storage: 'memory:', log: { redact: 'a' as never } }),
    ],
    [
      /log.redact is not valid: it must be a list of paths/,
      () => createTroupe({ storage: 'memory:', log: { redact: [x] } }),
    ],
    [
      /otlp.headers is not valid: it must be an object of texts/,
      () => createTroupe({ storage: 'memory:', otlp: { url: 'http://localhost:4318', headers: x } }),
    ],
    [
      /window is not valid: it must be at least 1ms/,
      () => {
        const rule = { name: 'r', metric: 'm', own: true, statistic: 'count', above: 1, window: '0s' } as const
        return createTroupe({ storage: 'memory:', alerts: { rules: [rule] } })
      },
    ],
    [
      /alerts.to.webhook has no option header/,
      () =>
        createTroupe({ storage: 'memory:', alerts: { to: [{ webhook: { url: 'http://h/', header: {} } as never }] } }),
    ],
    [
      /alerts.to.webhook.headers is not valid: each must be a text/,
      () =>
        createTroupe({ storage: 'memory:', alerts: { to: [{ webhook: { url: 'http://h/', headers: { a: x } } }] } }),
    ],
    [
      /alerts.to.webhook is not valid: it must be an object/,
      () => createTroupe({ storage: 'memory:', alerts: { to: [{ webhook: null as never }] } }),
    ],
    [/flags of loadConfig is not valid: it must be an object, got 5/, () => loadConfig({ flags: x })],
    [/env of loadConfig is not valid: it must be an object, got 5/, () => loadConfig({ env: x })],
    [/cwd of loadConfig is not valid: it must be a path of 1 to 4096 characters, got 5/, () => loadConfig({ cwd: x })],
    [
      /file of loadConfig is not valid: it must be a path of 1 to 4096 characters, got 5/,
      () => loadConfig({ file: x }),
    ],
    [/The project of the doctor is not valid: it is not a folder/, () => examineProject({} as never)],
    [/examineProject is not valid: it must be an object/, () => examineProject(x)],
    [/it must be the result of loadConfig/, () => showConfig(x)],
    [/it must be the result of loadConfig/, () => showConfig(undefined as never)],
  ])('%s', async (pattern, call) => {
    const rejected = expect.objectContaining({ name: 'ValidationError', message: expect.stringMatching(pattern) })
    await expect(Promise.resolve().then(call)).rejects.toThrow(rejected)
  })
})
