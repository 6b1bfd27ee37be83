/** One process of several that count on one entry: node increment-child.ts STORAGE COUNT */
import { createTroupe } from 'troupe'

const [storage = '', count] = process.argv.slice(2)
const troupe = await createTroupe({ storage: JSON.parse(storage), log: 'silent' })
const { context } = troupe.user('u').agent('A')
for (let i = 0; i < Number(count); i++) await context.update('counted', (n) => Number(n) + 1)
await troupe.close()
