/** Serves schedules until it is killed. */
import { createTroupe } from '../../src/index.ts'
import { tick } from './schedules-team.ts'

const storage = JSON.parse(process.argv[2] as string)
await createTroupe({ storage, teams: { tick }, lease: '1s', messaging: { lease: '2s' }, log: 'silent' })
process.stdout.write('ready\n')
