// First in start, build, test and check: says plainly when the running Node is too old. Plain JavaScript, for old Nodes read it.
const needed = 24
const running = Number(process.versions.node.split('.')[0])
if (running < needed) {
  const here = `${process.platform}-${process.arch}`
  const brought = here === 'linux-x64' || here === 'linux-arm64'
  const remedy = brought
    ? `Run "npm ci" first, which brings Node ${needed} along, and start through npm: "npm start", "npm test".`
    : `npm brings none for ${here}: install Node ${needed} or newer from https://nodejs.org and try again.`
  console.error(`Troupe needs Node ${needed} or newer, and this is Node ${process.versions.node}. ${remedy}`)
  process.exit(2)
}
