//! measure
use turnstile_models::{*, engine::*, scenario::*};
use turnstile::hub::*;
fn main(){
  let a:Vec<String>=std::env::args().collect();
  let n=|i:usize|a[i].parse::<u32>().unwrap();
  let peers = if a[6]=="leave"{Peers::Leave}else{Peers::Stay};
  let s=Scenario{design:if a[2]=="single"{Design::SingleSelect}else{Design::SplitLoops},users:n(3),logins:n(4),capacity:n(5),peers,one_peer_task:a[1]=="loom"&&peers==Peers::Leave,..Default::default()};
  let l=Limits{budget:std::time::Duration::from_secs(n(7) as u64),schedules:n(8) as u64,bound:a.get(9).and_then(|b|b.parse().ok()),scheduler:match a.get(10).map(|s|s.as_str()){Some("pct")=>Scheduler::Pct(3),Some("urw")=>Scheduler::Urw,_=>Scheduler::Random},seed:a.get(11).map_or(1,|s|s.parse().unwrap()),..Default::default()};
  let mut v=|e|{ println!("{}", format!("{e:?}").chars().take(300).collect::<String>()); true};
  let r=match a[1].as_str(){"loom"=>loom::explore(&s,Quest::Knots,&l,&(),&mut v),"shuttle"=>shuttle::explore(&s,Quest::Knots,&l,&(),&mut v),"tokio"=>tokio::explore(&s,Quest::Knots,&l,&(),&mut v),_=>exhaustive::explore(&s,Quest::Knots,&l,&(),&mut v)};
  println!("{:?} {:?} {:?}",r.effort.schedules,r.effort.time,r.bound);
  match r.end { End::Found(f)=>{println!("{} steps",f.schedule.len()); if f.schedule.len()<60{for t in &f.schedule.turns{print!("{} {:?}; ",t.task,t.picks)}} println!(); }, e=>println!("{e:?}")}
}
