/** Loaded into the measured process: writes down the most memory that it ever had. */
import { writeFileSync } from 'node:fs'

// maxRSS is in kilobytes.
process.on('exit', () =>
  writeFileSync(process.env.PEAK_FILE ?? '/dev/stderr', String(process.resourceUsage().maxRSS * 1024)),
)
