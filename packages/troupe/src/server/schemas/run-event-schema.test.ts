import { afterAll, expect, it } from 'vitest'
import { z } from 'zod'
import { asking, caller, echo, Servers } from '../server-testbed.test.fixture.ts'
import { runEventSchema } from './run-event-schema.ts'
import { inspectionSchema, runResultSchema } from './run-schemas.ts'

const servers = new Servers()
afterAll(() => servers.close())

it('The schema of run events has every field that the events of a run carry.', async () => {
  const { troupe } = await servers.start({ agents: [echo, asking] })
  const run = await troupe.user('ada').orchestra.start({ task: 1, agent: 'Asking' })
  await run.result()
  const strict = z.strictObject(runEventSchema.shape)
  const types: string[] = []
  for await (const event of run.events({ untilWaiting: true })) {
    types.push(event.type)
    expect(strict.safeParse(JSON.parse(JSON.stringify(event))).error).toBeUndefined()
  }
  expect(types).toEqual(expect.arrayContaining(['run.started', 'branch.started', 'question.asked', 'run.waiting']))
})

it('The schemas of results and inspections keep every field of a waiting run.', async () => {
  const { troupe, url } = await servers.start({ agents: [echo, asking] })
  const run = await troupe.user('ada').orchestra.start({ task: 1, agent: 'Asking' })
  const result = JSON.parse(JSON.stringify(await run.result()))
  expect(z.strictObject(runResultSchema.shape).safeParse(result).error).toBeUndefined()
  const inspection = JSON.parse(JSON.stringify(await run.inspect()))
  expect(z.strictObject(inspectionSchema.shape).safeParse(inspection).error).toBeUndefined()
  const { body } = await caller(url, { 'troupe-user': 'ada' })('GET', `/v1/runs/${run.id}/inspect`)
  expect(body).toEqual(inspection)
})
