// JupyterHub's page Admin says that something failed; why is in the hub's answer.
const send = window.fetch;
window.fetch = async (address, options) => {
  const answer = await send(address, options);
  if ((options?.method ?? "GET") === "GET") return answer;
  const told = document.getElementById("refusal");
  told.hidden = true;
  if (!answer.ok) {
    answer.clone().json().then(({ message }) => {
      told.textContent = message;
      told.hidden = !message;
    }, () => {});
  }
  return answer;
};
