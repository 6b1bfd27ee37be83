/** The ways by which a tool or a function brings a text to the victim by a handle of the user, past the `ctx` of its step. */
import { z } from 'zod'
import { defineAgent, defineTool } from '../../src/index.ts'
import { builtInTools } from '../../src/tools.ts'
import { type Channel, callFirst, generate, line, Note, runLine, web } from './channel-parts.ts'
import type { Context, Scene } from './testbed.ts'

const byHandle = (scene: Scene, read: () => Promise<unknown>) => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    inputSchema: z.object({}),
    effect: 'read',
    execute: async () => JSON.stringify(await read()),
  })
  return generate(scene, scene.victim(callFirst('look'), { tools: [look] }))
}
export const handleChannels: Readonly<Record<string, Channel>> = {
  'entry that a tool reads by a handle': async (scene, text) => {
    await scene.ada.agent('Import').context.push('notes', text, { taint: web })
    return byHandle(scene, () => scene.ada.context.get('notes'))
  },
  'message that a tool reads by a handle': async (scene, text) => {
    await scene.ada.agent('Import').messages.send(Note, text, { to: 'Box', taint: web })
    return byHandle(scene, async () => {
      const [delivery] = await scene.ada.agent('Box').mailbox.receive()
      await delivery?.ack()
      return delivery?.message.payload
    })
  },
  'reason of a dead letter that an effect reads by a handle': async (scene, text) => {
    const { mailbox } = scene.ada.agent('Box')
    await scene.ada.agent('Import').messages.send(Note, 'order 17', { to: 'Box', taint: web })
    for (let i = 0; i < 10; i++) for (const one of await mailbox.receive()) await one.nack({ reason: text })
    const run = async (_: unknown, ctx: Context) =>
      ctx.effect('look', { class: 'read' }, async () => (await mailbox.deadLetters()).items[0]?.reason ?? '')
    return runLine(scene, defineAgent({ name: 'Between', run }), scene.victim())
  },
  'memory that a tool reads by a handle': async (scene, text) => {
    const { episodic } = scene.ada.memory('Import')
    await episodic.add(text, { taint: web })
    return byHandle(scene, async () => (await episodic.items())[0]?.content)
  },
  'run that a tool reads by a handle': async (scene, text) => {
    const reader = scene.reader('Reader', text, (read) => read)
    const run = await scene.ada.orchestra.start({ task: 'read', topology: line(reader) })
    await run.result()
    return byHandle(scene, () => run.output())
  },
  'entry that an effect writes by a handle': async (scene, text) => {
    const reader = scene.reader('Reader', text, (read, ctx) =>
      ctx.effect('copy', { class: 'idempotent' }, async () => {
        await scene.ada.context.push('notes', read)
        return 'written'
      }),
    )
    const tools = Object.values(builtInTools('get_context'))
    return runLine(scene, reader, scene.victim(callFirst('get_context', { key: 'notes' }), { tools }))
  },
}
