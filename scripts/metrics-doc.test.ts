import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { createTroupe, defineAgent, patterns } from '../packages/troupe/src/index.ts'
import { metricsDoc, renderMetrics } from './metrics-doc.ts'

it('The page of metrics has every metric, as its script renders it.', () => {
  expect(readFileSync(metricsDoc, 'utf8')).toBe(renderMetrics())
})

it('The page of metrics has everything that a troupe at work exposes.', async () => {
  await using troupe = await createTroupe({ storage: 'memory:', log: 'silent' })
  const ada = troupe.user('ada')
  const agent = defineAgent({ name: 'A', run: async (_, ctx) => ctx.context.push('k', 1) as never })
  await ada.orchestra.run({ task: 't', topology: patterns.pipeline({ stages: [{ agents: [agent] }] }) })
  await ada.agent('B').tools.call('get_context', { key: 'none' })
  await ada.cached(() => 1, { key: 'k' })
  await troupe.health()
  const page = readFileSync(metricsDoc, 'utf8')
  const names = [...(await troupe.metrics.prometheus()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name as string)
  expect(names.length).toBeGreaterThan(20)
  const known = (name: string) => page.includes(`\`${name}\``) || name.endsWith('_failures_total')
  expect(names.filter((name) => !known(name))).toEqual([])
})
