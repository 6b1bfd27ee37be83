/**
 * Opens a database with the migrations of all rooms, and of so many of the planted room's steps.
 *
 * node migration-child.ts RELEASE POSTGRES-OPTIONS
 */
import { openEverything } from './migration-trial.ts'

await (await openEverything(JSON.parse(process.argv[3] as string), Number(process.argv[2]))).close()
