// As it comes, but for the address, the log and what would go out to the network.
module.exports = {
  uiHost: "127.0.0.1",
  flowFile: "flows.json",
  credentialSecret: false,
  telemetry: { enabled: false },
  logging: { console: { level: "error", metrics: false, audit: false } },
};
