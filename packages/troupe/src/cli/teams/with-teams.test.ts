import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { loadConfig } from '../../configuration/index.ts'
import { defineAgent } from '../../index.ts'
import { withTeams } from './with-teams.ts'

const cwd = mkdtempSync(join(tmpdir(), 'troupe-with-teams-'))
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

it('A team whose agent has the name of another agent is rejected with both places.', async () => {
  const named = join(cwd, 'team.yaml')
  writeFileSync(named, 'agents: { Clerk: { instructions: x } }\nflows: [Start -> Clerk, Clerk -> End]\n')
  const loaded = await loadConfig({ cwd, env: {} })
  const clerk = defineAgent({ name: 'Clerk', run: () => null })
  const configured = { ...loaded, file: '/app/troupe.config.ts', config: { ...loaded.config, agents: [clerk] } }
  await expect(withTeams(configured, cwd, { named })).rejects.toMatchObject({
    exit: 2,
    message: `The agent Clerk is in /app/troupe.config.ts and in ${named}.`,
  })

  expect((await withTeams(loaded, cwd, { named })).config.agents?.map(({ name }) => name)).toEqual(['Clerk'])
  mkdirSync(join(cwd, 'agents/Clerk'), { recursive: true })
  writeFileSync(join(cwd, 'agents/Clerk/agent.md'), 'Works.')
  await expect(withTeams(loaded, cwd, { named })).rejects.toMatchObject({
    message: `The agent Clerk is in ${join(cwd, 'agents')} and in ${named}.`,
  })
})
