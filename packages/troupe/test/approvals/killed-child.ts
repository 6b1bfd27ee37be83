/** A process that is killed while its run, session or message handler pays: `node killed-child.ts FOLDER ORIGIN`. */
import { startPayments } from './payments.ts'

const [folder = '', origin = ''] = process.argv.slice(2)
await startPayments(folder, () => new Promise(() => {}), origin)
