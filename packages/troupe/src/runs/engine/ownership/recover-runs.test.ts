import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createTroupe, defineAgent } from '../../../index.ts'
import { openParts } from '../../../startup/open-parts.ts'
import { Troupe } from '../../../startup/troupe.ts'

it('The recovery of runs passes over a user who is being erased, and recovers the runs of the next user.', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'troupe-recovery-'))
  const storage = `sqlite:${join(folder, 'troupe.db')}`
  try {
    let isBefore = true
    const agent = defineAgent({
      name: 'A',
      run: (_, ctx) =>
        isBefore ? new Promise<never>((_resolve, reject) => ctx.signal.addEventListener('abort', reject)) : 'done',
    })
    const before = await createTroupe({ storage, log: 'silent' })
    for (const user of ['ada', 'bob']) await before.user(user).orchestra.start({ id: 'r', agent, task: 'x' })
    await before.close()
    isBefore = false
    const parts = await openParts({ storage, log: 'silent', agents: [agent] })
    await using troupe = new Troupe(parts, {
      requireUserId: false,
      openEvaluationTroupe: () => Promise.reject(new Error('nothing is evaluated here')),
    })
    const { orchestra } = parts.runs
    const end = await orchestra.forget('ada')
    await orchestra.recover()
    // A message for a run of this user has the same effect as for a run that no process can claim: none.
    await orchestra.claimRun('ada', 'r')
    expect(await (await troupe.user('bob').orchestra.get('r')).result()).toMatchObject({ response: 'done' })
    end()
    expect(await (await troupe.user('ada').orchestra.get('r')).result()).toMatchObject({ response: 'done' })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
