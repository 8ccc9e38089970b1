// Sends every form of the page itself and puts the answer into the page, whatever the form says.
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const fields = new URLSearchParams(new FormData(form));
  const isPost = form.method === "post";
  const answer = await fetch(isPost ? form.action : `${form.action}?${fields}`, isPost ? { method: "POST", body: fields } : {});
  document.body.innerHTML = new DOMParser().parseFromString(await answer.text(), "text/html").body.innerHTML;
});
